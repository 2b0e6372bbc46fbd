using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Inference;
using Patchwork.Reporting;

namespace Patchwork.Cli.Commands;

/// <summary><c>explain</c>: what a trained run looked at in a picture.</summary>
internal static class ExplainCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "run folder" };
        var image = new Argument<string>("image") { Description = "picture (PNG, JPEG, WebP)" };
        var layer = new Option<string?>("--layer")
        {
            Description =
            "Grad-CAM at this layer, as layer2 (default: class activation map of the last features)"
        };
        var asked = new Option<string?>("--class") { Description = "the class to look for (default: the predicted one)" };
        var output = new Option<string?>("--out")
        {
            Description =
            "PNG file (default: the picture's name and .explained.png, in the current folder)"
        };
        var precision = PrecisionOption.Create();
        var common = new CommonOptions("torch threads (default: one)");
        var command = new Command("explain", "What a trained run looked at in a picture: heat map, overlay, box.") { run, image, layer,
            asked, output, precision };
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            common.PrepareTorch(parsed);
            var picture = parsed.GetValue(image)!;
            var path = parsed.GetValue(output) ?? $"{Path.GetFileNameWithoutExtension(picture)}.explained.png";
            if (Path.GetFullPath(path) == Path.GetFullPath(picture))
                throw new InputException($"The sheet must be another file than the picture. Received: {path} for both. Choose another "
                    + "--out.");
            using var predictor = Predictor.Open(parsed.GetValue(run)!);
            predictor.Threads = common.Threads(parsed) ?? predictor.Threads;
            predictor.Model.Precision = parsed.GetValue(precision);
            var explanation = predictor.Explain(picture, parsed.GetValue(asked), parsed.GetValue(layer));
            OutputFile.Write(path, explanation.Sheet(Path.GetFileName(picture)).Png());
            var seen = explanation.Activation;
            parsed.Output.WriteLine(common.Json(parsed)
                ? new JsonObject
                {
                    ["class"] = seen.Class,
                    ["probability"] = seen.Probability,
                    ["layer"] = seen.Layer,
                    ["precision"] = predictor.Model.Precision.ToString(),
                    ["box"] = new JsonObject
                    {
                        ["top"] = seen.Box.Top,
                        ["left"] = seen.Box.Left,
                        ["bottom"] = seen.Box.Bottom,
                        ["right"] =
                        seen.Box.Right
                    },
                    ["file"] = path,
                }.ToJsonString(new JsonSerializerOptions { WriteIndented = true })
                : string.Create(CultureInfo.InvariantCulture, $"{picture}: {seen.Class} {seen.Probability:P1}; wrote {path}"));
            return 0;
        });
        return command;
    }
}
