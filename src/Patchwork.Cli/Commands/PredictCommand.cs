using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Data;
using Patchwork.Inference;

namespace Patchwork.Cli.Commands;

/// <summary><c>predict</c>: classes and probabilities of pictures by a trained run.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "run folder" };
        var images = new Argument<string[]>("image") { Description = "pictures, or folders of them", Arity = ArgumentArity.OneOrMore };
        var top = WholeOption.Create("--top", "classes a picture", 3, 1);
        var precision = PrecisionOption.Create();
        var common = new CommonOptions("torch threads (default: one)");
        var command = new Command("predict", "Classes and probabilities of pictures by a trained run.") { run, images, top, precision };
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            common.PrepareTorch(parsed);
            using var predictor = Predictor.Open(parsed.GetValue(run)!);
            predictor.Threads = common.Threads(parsed) ?? predictor.Threads;
            predictor.Model.Precision = parsed.GetValue(precision);
            var answers = new JsonArray();
            foreach (var image in parsed.GetValue(images)!.SelectMany(PictureListing.Under))
            {
                var probabilities = predictor.Predict(image);
                var best = Enumerable.Range(0, probabilities.Length).OrderByDescending(k => probabilities[k]).Take(parsed.GetValue(top))
                    .ToArray();
                if (common.Json(parsed))
                    answers.Add(new JsonObject
                    {
                        ["image"] = image,
                        ["precision"] = predictor.Model.Precision.ToString(),
                        ["classes"] = new JsonArray([.. best.Select(k =>
                            new JsonObject { ["class"] = predictor.Card.Classes[k], ["probability"] = probabilities[k] })]),
                    });
                else
                {
                    var named =
                        best.Select(k => string.Create(CultureInfo.InvariantCulture, $"{predictor.Card.Classes[k]} {probabilities[k]:P1}"));
                    parsed.Output.WriteLine($"{image}: {string.Join(", ", named)}");
                }
            }
            if (common.Json(parsed))
                parsed.Output.WriteLine(answers.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
            return 0;
        });
        return command;
    }
}
