using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Data;
using Patchwork.Inference;
using Patchwork.Onnx;
using Patchwork.Reporting;

namespace Patchwork.Cli.Commands;

/// <summary><c>predict</c>: classifies pictures with a trained run or an exported file.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "run folder, or exported file (.onnx)" };
        var images = new Argument<string[]>("image")
        {
            Description = "pictures, folders of pictures, or lists (.csv, .tsv)",
            Arity = ArgumentArity.OneOrMore,
        };
        var top = WholeOption.Create("--top", "classes per picture", 3, 1);
        var output = new Option<string?>("--out")
        {
            Description = "write the predictions to a .csv file, one row per picture with every class's probability, or to a .json file",
            HelpName = "FILE",
        };
        var skip = new Option<bool>("--skip-damaged") { Description = "omit pictures that cannot be read" };
        var folder = new Option<string?>("--images")
        {
            Description = "for lists: the folder that the paths are relative to",
            HelpName = "DIR",
        };
        var columns = new Option<string?>("--columns")
        {
            Description = "for lists: the column of file names, for example path=2",
            HelpName = "VALUES",
        };
        var precision = ChoiceOption.Precision();
        var which = ChoiceOption.Which();
        var common = new CommonOptions("torch threads (default: one)");
        var command = new Verb("predict", "Classifies pictures with a trained run or an exported file.",
            new("patchwork predict runs/mine photo.jpg", "the three most probable classes"),
            new("patchwork predict mine.onnx photos --out answers.csv", "all pictures in a folder, with an exported file"))
        {
            run, images, top, output, skip, folder, columns, precision, which,
        };
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            var path = parsed.GetValue(output);
            if (path is not null && Path.GetExtension(path).ToLowerInvariant() is not (".csv" or ".json"))
                throw new InputException($"--out must end in .csv or .json. Received: {path}.");
            var leftOut = new List<LeftOutFile>();
            var reading = new DataOptions
            {
                Images = parsed.GetValue(folder),
                Columns = parsed.GetValue(columns),
                SkipDamaged = parsed.GetValue(skip),
            };
            string[] pictures = [.. parsed.GetValue(images)!.SelectMany(one => PictureListing.Under(one, reading, leftOut))];
            using var classifier = Open(parsed.GetValue(run)!);
            var answers = new List<Answer>();
            foreach (var picture in pictures)
            {
                try
                {
                    answers.Add(new(picture, classifier.Classify(picture)));
                }
                catch (InputException error) when (reading.SkipDamaged && File.Exists(picture))
                {
                    leftOut.Add(new(picture, LeftOutReason.Damaged, error.Message));
                    continue;
                }
                if (path is null && !common.Json(parsed))
                    parsed.Output.WriteLine($"{picture}: {Named(answers[^1].Found, parsed.GetValue(top))}");
            }
            foreach (var (line, arePictures) in LeftOutFile.Summaries(leftOut))
            {
                if (!common.Quiet(parsed) || arePictures)
                    parsed.Error.WriteLine(arePictures ? $"warning: {line}" : line);
            }
            var json = new Lazy<string>(() => Json(answers, parsed.GetValue(top), parsed.GetValue(precision)));
            if (path is not null)
            {
                var asText = Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase);
                OutputFile.Write(path, Encoding.UTF8.GetBytes(asText ? Table(classifier.Classes, answers).ToCsv() : json.Value + "\n"));
                if (!common.Json(parsed))
                    parsed.Output.WriteLine($"wrote {path} with {answers.Count} pictures");
            }
            if (common.Json(parsed))
                parsed.Output.WriteLine(json.Value);
            return 0;

            PictureClassifier Open(string trained)
            {
                var options = new ClassifierOptions { Threads = common.Threads(parsed) ?? 1 };
                if (!Directory.Exists(trained) && trained.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase))
                    return OnnxClassifier.Load(trained, options);
                common.PrepareTorch(parsed);
                var predictor = Predictor.Open(trained, parsed.GetValue(which), options);
                predictor.Precision = parsed.GetValue(precision);
                return predictor;
            }
        });
        command.Validators.Add(result =>
        {
            if (result.GetValue(run) is { } file && file.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase)
                && (result.GetResult(which) is { Implicit: false } || result.GetResult(precision) is { Implicit: false }))
                result.AddError($"--which and --precision apply to a run. Received: {file}, an exported file, which has one set of "
                    + "weights. Omit them.");
        });
        return command;
    }

    private sealed record Answer(string Picture, Classification Found);

    // The most probable classes; with several labels those above the threshold.
    private static string Named(Classification found, int top) => string.Join(", ",
        (found.Threshold is { } least ? found.Top(found.Classes.Count).Where(one => one.Probability >= least) : found.Top(top))
            .Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Class} {one.Probability:P1}")).DefaultIfEmpty("none"));

    private static string Json(IEnumerable<Answer> answers, int top, Precision precision) =>
        new JsonArray([.. answers.Select(answer => new JsonObject
        {
            ["image"] = answer.Picture,
            ["shows"] = new JsonArray([.. answer.Found.Shown.Select(name => JsonValue.Create(name))]),
            ["precision"] = precision.ToString(),
            ["classes"] = new JsonArray([.. answer.Found.Top(top).Select(one =>
                new JsonObject { ["class"] = one.Class, ["probability"] = one.Probability })]),
        })]).ToIndented();

    private static ResultTable Table(IReadOnlyList<string> classes, IEnumerable<Answer> answers) =>
        new([new("image"), new("class"), new("probability"), .. classes.Select(name => new ResultColumn(name))],
        [.. answers.Select(answer => (IReadOnlyList<string>)
        [
            answer.Picture, string.Join('|', answer.Found.Shown), Text(answer.Found.Best.Probability),
            .. answer.Found.Probabilities.Select(Text),
        ])]);

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
