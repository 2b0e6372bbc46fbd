using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Data;
using Patchwork.Inference;
using Patchwork.Reporting;

namespace Patchwork.Cli.Commands;

/// <summary><c>explain</c>: shows which pixels a trained network looked at.</summary>
internal static class ExplainCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "run folder" };
        var images = new Argument<string[]>("image") { Description = "pictures, or folders of pictures", Arity = ArgumentArity.OneOrMore };
        var layer = new Option<string?>("--layer")
        {
            Description = "Grad-CAM at this layer, for example layer2 (default: class activation map, or a transformer's attention)",
            HelpName = "NAME",
        };
        var asked = new Option<string?>("--class") { Description = "class to explain (default: the predicted one)", HelpName = "NAME" };
        var output = new Option<string?>("--out")
        {
            Description = "PNG file for one picture, folder for several (default: PICTURE.explained.png in the current folder)",
            HelpName = "PATH",
        };
        var precision = ChoiceOption.Precision();
        var which = ChoiceOption.Which();
        var common = new CommonOptions("torch threads (default: one)");
        var command = new Verb("explain", "Shows what a trained network looked at: heat map, overlay and box.",
            new("patchwork explain runs/mine photo.jpg", "writes photo.explained.png"),
            new("patchwork explain runs/mine photo.jpg --class coat --layer layer2", "Grad-CAM for one class at one layer"))
        {
            run, images, layer, asked, output, precision, which,
        };
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            common.PrepareTorch(parsed);
            var pictures = parsed.GetValue(images)!.SelectMany(one => PictureListing.Under(one)).ToArray();
            var sheets = Sheets(pictures, parsed.GetValue(output));
            using var predictor = Predictor.Open(parsed.GetValue(run)!, parsed.GetValue(which),
                new() { Threads = common.Threads(parsed) ?? 1 });
            predictor.Precision = parsed.GetValue(precision);
            var answers = new JsonArray();
            foreach (var (picture, path) in pictures.Zip(sheets))
            {
                var explanation = predictor.Explain(picture, parsed.GetValue(asked), parsed.GetValue(layer));
                OutputFile.Write(path, explanation.Sheet(Path.GetFileName(picture)).Png());
                if (common.Json(parsed))
                    answers.Add(Json(picture, path, explanation.Activation, predictor.Precision));
                else
                    parsed.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"{picture}: {explanation.Activation.Class} {explanation.Activation.Probability:P1}; wrote {path}"));
            }
            if (common.Json(parsed))
                parsed.Output.WriteLine((answers is [{ } only] ? only : answers)
                    .ToIndented());
            return 0;
        });
        return command;
    }

    // One file per picture. If two pictures have the same name, the folder's name is added.
    private static string[] Sheets(string[] pictures, string? output)
    {
        const string end = ".explained.png";
        var toFolder = output is not null && (pictures.Length > 1 || Directory.Exists(output));
        if (toFolder && File.Exists(output))
            throw new InputException($"--out must be a folder for {pictures.Length} pictures. Received: {output}, which is a file. "
                + "Choose another --out.");
        if (output is not null && !toFolder)
            return Checked(pictures, [output]);
        var names = pictures.Select(Path.GetFileNameWithoutExtension).ToArray();
        string[] sheets = [.. pictures.Zip(names, (picture, name) => names.Count(other => other == name) == 1 ? $"{name}{end}"
            : $"{Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(picture)))}-{Path.GetFileName(picture)}{end}")];
        if (sheets.GroupBy(sheet => sheet).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new InputException($"Each sheet needs its own file name. Received: two pictures whose sheets would both be {twice.Key}. "
                + "Explain them one at a time.");
        return Checked(pictures, [.. sheets.Select(sheet => Path.Combine(output ?? "", sheet))]);
    }

    private static string[] Checked(string[] pictures, string[] sheets)
    {
        var read = pictures.Select(Path.GetFullPath).ToHashSet();
        return sheets.FirstOrDefault(sheet => read.Contains(Path.GetFullPath(sheet))) is not { } same ? sheets
            : throw new InputException($"The sheet must not overwrite the picture. Received: {same} for both. Choose another "
                + "--out.");
    }

    private static JsonObject Json(string picture, string path, Activation seen, Precision precision) => new()
    {
        ["image"] = picture,
        ["class"] = seen.Class,
        ["probability"] = seen.Probability,
        ["layer"] = seen.Layer,
        ["precision"] = precision.ToString(),
        ["box"] = new JsonObject
        {
            ["top"] = seen.Box.Top,
            ["left"] = seen.Box.Left,
            ["bottom"] = seen.Box.Bottom,
            ["right"] = seen.Box.Right,
        },
        ["file"] = path,
    };
}
