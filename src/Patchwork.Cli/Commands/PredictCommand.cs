using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Data;
using Patchwork.Inference;
using Patchwork.Reporting;

namespace Patchwork.Cli.Commands;

/// <summary><c>predict</c>: classes and probabilities of pictures by a trained run.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "run folder" };
        var images = new Argument<string[]>("image")
        {
            Description = "pictures, folders of them, or lists of them (.csv, .tsv)",
            Arity = ArgumentArity.OneOrMore,
        };
        var top = WholeOption.Create("--top", "classes a picture", 3, 1);
        var output = new Option<string?>("--out")
        {
            Description = "file for the answers: .csv, a row for each picture with the probability of every class, or .json",
        };
        var skip = new Option<bool>("--skip-damaged") { Description = "leave out pictures that cannot be read" };
        var folder = new Option<string?>("--images") { Description = "for a list: the folder that its paths begin in" };
        var columns = new Option<string?>("--columns") { Description = "for a list: where its column of files is, e.g. path=2" };
        var precision = PrecisionOption.Create();
        var common = new CommonOptions("torch threads (default: one)");
        var command = new Command("predict", "Classes and probabilities of pictures by a trained run.")
        {
            run, images, top, output, skip, folder, columns, precision,
        };
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            common.PrepareTorch(parsed);
            var path = parsed.GetValue(output);
            if (path is not null && Path.GetExtension(path).ToLowerInvariant() is not (".csv" or ".json"))
                throw new InputException($"Answers are written to a file that ends in .csv or .json. Received: {path}.");
            var leftOut = new List<LeftOutFile>();
            var reading = new DataOptions
            {
                Images = parsed.GetValue(folder),
                Columns = parsed.GetValue(columns),
                SkipDamaged = parsed.GetValue(skip),
            };
            string[] pictures = [.. parsed.GetValue(images)!.SelectMany(one => PictureListing.Under(one, reading, leftOut))];
            using var predictor = Predictor.Open(parsed.GetValue(run)!);
            predictor.Threads = common.Threads(parsed) ?? predictor.Threads;
            predictor.Model.Precision = parsed.GetValue(precision);
            var answers = new List<Answer>();
            foreach (var picture in pictures)
            {
                try
                {
                    answers.Add(new(picture, predictor.Predict(picture)));
                }
                catch (InputException error) when (reading.SkipDamaged && File.Exists(picture))
                {
                    leftOut.Add(new(picture, LeftOutReason.Damaged, error.Message));
                    continue;
                }
                if (path is null && !common.Json(parsed))
                    parsed.Output.WriteLine($"{picture}: {Named(predictor, answers[^1], parsed.GetValue(top))}");
            }
            foreach (var (line, arePictures) in LeftOutFile.Summaries(leftOut))
            {
                if (!common.Quiet(parsed) || arePictures)
                    parsed.Error.WriteLine(arePictures ? $"warning: {line}" : line);
            }
            var json = new Lazy<string>(() => Json(predictor, answers, parsed.GetValue(top)));
            if (path is not null)
            {
                var asText = Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase);
                OutputFile.Write(path, Encoding.UTF8.GetBytes(asText ? Table(predictor, answers).ToCsv() : json.Value + "\n"));
                if (!common.Json(parsed))
                    parsed.Output.WriteLine($"wrote {path} with {answers.Count} pictures");
            }
            if (common.Json(parsed))
                parsed.Output.WriteLine(json.Value);
            return 0;
        });
        return command;
    }

    private sealed record Answer(string Picture, double[] Probabilities)
    {
        public IEnumerable<int> Best(int top) =>
            Enumerable.Range(0, Probabilities.Length).OrderByDescending(k => Probabilities[k]).Take(top);
    }

    // The best classes, or of several labels those that it shows.
    private static string Named(Predictor predictor, Answer answer, int top)
    {
        var card = predictor.Card;
        var named = predictor.Named(answer.Probabilities);
        var shown = card.MultiLabel ? answer.Best(card.Classes.Count).Where(k => named.Contains(card.Classes[k])) : answer.Best(top);
        return string.Join(", ", shown.Select(k =>
            string.Create(CultureInfo.InvariantCulture, $"{card.Classes[k]} {answer.Probabilities[k]:P1}")).DefaultIfEmpty("none"));
    }

    private static string Json(Predictor predictor, IEnumerable<Answer> answers, int top) =>
        new JsonArray([.. answers.Select(answer => new JsonObject
        {
            ["image"] = answer.Picture,
            ["shows"] = new JsonArray([.. predictor.Named(answer.Probabilities).Select(name => JsonValue.Create(name))]),
            ["precision"] = predictor.Model.Precision.ToString(),
            ["classes"] = new JsonArray([.. answer.Best(top).Select(k =>
                new JsonObject { ["class"] = predictor.Card.Classes[k], ["probability"] = answer.Probabilities[k] })]),
        })]).ToJsonString(new JsonSerializerOptions { WriteIndented = true });

    private static ResultTable Table(Predictor predictor, IEnumerable<Answer> answers) =>
        new([new("image"), new("class"), new("probability"), .. predictor.Card.Classes.Select(name => new ResultColumn(name))],
        [.. answers.Select(answer => (IReadOnlyList<string>)
        [
            answer.Picture, string.Join('|', predictor.Named(answer.Probabilities)), Text(answer.Probabilities.Max()),
            .. answer.Probabilities.Select(Text),
        ])]);

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
