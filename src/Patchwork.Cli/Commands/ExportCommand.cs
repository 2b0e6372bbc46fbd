using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Data;
using Patchwork.Inference;
using Patchwork.Onnx;
using Patchwork.Randomness;
using Patchwork.Reporting;

namespace Patchwork.Cli.Commands;

/// <summary>
/// <c>export</c>: a trained network as one file that any ONNX runtime runs, checked against the network before it is kept.
/// </summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "run folder" };
        var output = new Option<string?>("--out") { Description = "file (default: the run's name and .onnx, in the current folder)" };
        var input = new Option<string>("--input")
        {
            Description = "what the file takes: pixels (bytes by rows, normalized inside) or normalized (floats by channels)",
            DefaultValueFactory = _ => "pixels",
        };
        input.AcceptOnlyFromAmong("pixels", "normalized");
        var opset = WholeOption.Create("--opset", "set of operations, 12 to 17", 17, 12);
        var common = new CommonOptions("torch threads (default: one)");
        var command = new Command("export", "Writes a trained network as one ONNX file: normalization, probabilities and classes inside.")
        {
            run, output, input, opset,
        };
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            common.PrepareTorch(parsed);
            var folder = parsed.GetValue(run)!;
            using var predictor = Predictor.Open(folder);
            predictor.Threads = common.Threads(parsed) ?? predictor.Threads;
            var export = new OnnxExport
            {
                Input = parsed.GetValue(input) == "pixels" ? OnnxInput.Pixels : OnnxInput.Normalized,
                Opset = parsed.GetValue(opset),
            };
            var path = parsed.GetValue(output) ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))) + ".onnx";
            var file = export.Of(predictor.Model, predictor.Card);
            var difference = LargestDifference(predictor, file);
            const double most = 1e-4;
            if (!(difference <= most))
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                    $"The exported file must give the network's probabilities to {most}. It differs by {difference:G2}; nothing was "
                        + $"written."));
            OutputFile.Write(path, file);
            var labels = Path.ChangeExtension(path, ".labels.txt");
            OutputFile.Write(labels, Encoding.UTF8.GetBytes(string.Concat(predictor.Card.Classes.Select(name => name + "\n"))));
            parsed.Output.WriteLine(common.Json(parsed)
                ? new JsonObject { ["file"] = path, ["labels"] = labels, ["bytes"] = file.Length, ["difference"] = difference }
                    .ToJsonString()
                : string.Create(CultureInfo.InvariantCulture, $"wrote {path}, {file.Length / 1e6:F1} MB, and {labels}; "
                    + $"OnnxRuntime gives the network's probabilities to {difference:G1}"));
            return 0;
        });
        return command;
    }

    // On pictures of noise of several grains, through decoding and all.
    private static double LargestDifference(Predictor predictor, byte[] file)
    {
        using var classifier = OnnxClassifier.Load(file);
        var path = Path.Combine(Directory.CreateTempSubdirectory("patchwork-export-").FullName, "picture.png");
        try
        {
            var largest = 0.0;
            foreach (var grain in new[] { 1, 4, 16 })
            {
                File.WriteAllBytes(path, Noise(predictor.Card.Height, predictor.Card.Width, grain).Png());
                var (own, other) = (predictor.Predict(path), classifier.Classify(path).Probabilities);
                largest = own.Zip(other, (a, b) => Math.Abs(a - b)).Append(largest).Max();
            }
            return largest;
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    private static Picture Noise(int height, int width, int grain)
    {
        var draws = new SeedStream(1).Open("export", index: grain);
        var colors = new byte[(height / grain + 1) * (width / grain + 1) * 3];
        for (var i = 0; i < colors.Length; i++)
            colors[i] = (byte)draws.Integer(256);
        var rgb = new byte[3 * height * width];
        for (var i = 0; i < rgb.Length; i++)
        {
            var (row, column) = (i / 3 / width / grain, i / 3 % width / grain);
            rgb[i] = colors[(row * (width / grain + 1) + column) * 3 + i % 3];
        }
        return new Picture(height, width, rgb);
    }
}
