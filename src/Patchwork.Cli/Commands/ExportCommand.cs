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
using Patchwork.Runs;

namespace Patchwork.Cli.Commands;

/// <summary>
/// <c>export</c>: writes a trained network as one file for any ONNX runtime, checked against the network before it is kept.
/// </summary>
internal static class ExportCommand
{
    private enum Format { Onnx, Safetensors, Timm }

    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "run folder" };
        var output = new Option<string?>("--out")
        {
            Description = "file for onnx, new folder for the other formats (default: the run's name in the current folder)",
            HelpName = "PATH",
        };
        var format = ChoiceOption.Of("--format",
            "one ONNX file, weights and card, or the layout of timm and Hugging Face",
            ("onnx", Format.Onnx), ("safetensors", Format.Safetensors), ("timm", Format.Timm));
        var input = ChoiceOption.Of("--input",
            "onnx: input of the file: bytes (height, width, channel), which it normalizes, or normalized floats (channel, height, width)",
            ("pixels", OnnxInput.Pixels), ("float", OnnxInput.Normalized));
        var opset = WholeOption.Create("--opset", "onnx: operator set, 12 to 17", 17, 12);
        var which = ChoiceOption.Which();
        var common = new CommonOptions("torch threads (default: one)");
        var command = new Verb("export",
            "Writes a trained network as one ONNX file that contains normalization, probabilities and class names.",
            new("patchwork export runs/mine --out mine.onnx", "one file, checked against the network"),
            new("patchwork export runs/mine --format timm", "config.json and weights for timm"))
        {
            run, output, format, input, opset, which,
        };
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            common.PrepareTorch(parsed);
            var folder = parsed.GetValue(run)!;
            using var predictor = Predictor.Open(folder, parsed.GetValue(which), new() { Threads = common.Threads(parsed) ?? 1 });
            var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
            var place = parsed.GetValue(output);
            var answer = parsed.GetValue(format) switch
            {
                Format.Onnx => WriteOnnx(predictor, place ?? name + ".onnx",
                    new() { Input = parsed.GetValue(input), Opset = parsed.GetValue(opset) }),
                var other => WriteWeights(predictor, other, folder, place ?? $"{name}-{other.ToString().ToLowerInvariant()}"),
            };
            parsed.Output.WriteLine(common.Json(parsed) ? answer.Json.ToJsonString() : answer.Text);
            return 0;
        });
        return command;
    }

    private static Answer WriteOnnx(Predictor predictor, string path, OnnxExport export)
    {
        var file = export.Of(predictor.Model, predictor.Card);
        var difference = LargestDifference(predictor, file);
        const double most = 1e-4;
        if (!(difference <= most))
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                $"The exported file must reproduce the network's probabilities to {most}. Received: a difference of "
                    + $"{difference:G2}; nothing was written."));
        OutputFile.Write(path, file);
        var labels = Path.ChangeExtension(path, ".labels.txt");
        OutputFile.Write(labels, Encoding.UTF8.GetBytes(string.Concat(predictor.Classes.Select(name => name + "\n"))));
        return new(string.Create(CultureInfo.InvariantCulture, $"wrote {path}, {file.Length / 1e6:F1} MB, and {labels}; "
                + $"OnnxRuntime reproduces the network's probabilities to {difference:G1}"),
            new() { ["file"] = path, ["labels"] = labels, ["bytes"] = file.Length, ["difference"] = difference });
    }

    private static Answer WriteWeights(Predictor predictor, Format format, string run, string folder)
    {
        if (format == Format.Timm)
            WeightsExport.WriteTimm(predictor, folder, File.Exists(Path.Combine(run, "recipe.json")) ? RunFolder.Open(run) : null);
        else
            WeightsExport.WriteSafetensors(predictor, folder);
        string[] files = [.. Directory.GetFiles(folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
        return new($"wrote {folder} with {string.Join(", ", files)}",
            new() { ["folder"] = folder, ["files"] = new JsonArray([.. files.Select(file => JsonValue.Create(file))]) });
    }

    private sealed record Answer(string Text, JsonObject Json);

    // Compared on images of noise of several grain sizes, including the decoding.
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
                var (own, other) = (predictor.Classify(path).Probabilities, classifier.Classify(path).Probabilities);
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
