using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Patchwork.Formats;
using Patchwork.Inference;
using Patchwork.Onnx;
using Patchwork.Tests.Data;
using Patchwork.Tests.Support;
using SkiaSharp;
using TorchSharp;
using Xunit;

namespace Patchwork.Tests.Inference;

/// <summary>Tests that an exported file, used without torch, gives the answers of the trained network.</summary>
#pragma warning disable xUnit1051      // classifying one image is too short to be cancelled
[Collection(ProcessesCollection.Name)]
public sealed partial class OnnxClassifierTests : IDisposable
{
    private readonly PictureSet files = new PictureSet().Paint(perClass: 10);

    public void Dispose() => files.Dispose();

    private string Exported(params string[] flags)
    {
        Train();
        return ExportedRun(flags);
    }

    private void Train(params string[] flags)
    {
        var trained = CommandLine.Run(["train", "--quiet", .. files.Flags("run", 1), .. flags]);
        Assert.True(trained.ExitCode == 0, trained.Error);
    }

    private string ExportedRun(params string[] flags)
    {
        var result = CommandLine.Run(["export", files.At("run"), "--out", files.At("pictures.onnx"), .. flags]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("OnnxRuntime reproduces the network's probabilities to", result.Output, StringComparison.Ordinal);
        Assert.Equal("blue\ngreen\nred\n", File.ReadAllText(files.At("pictures.labels.txt")));
        return files.At("pictures.onnx");
    }

    private string[] Pictures()
    {
        // Images that are not square, larger than the input, or grey.
        PictureFiles.Write(files.At("wide.png"), PictureFiles.Paint(40, 90, (y, x) => new SKColor((byte)(3 * y), (byte)(2 * x), (byte)(x ^ y))));
        PictureFiles.Write(files.At("grey.png"), PictureFiles.Paint(33, 20, (y, x) => new SKColor((byte)(5 * y), (byte)(5 * y), (byte)(5 * y))));
        return [files.At("wide.png"), files.At("grey.png"), .. Directory.GetFiles(files.Pictures, "*.png", SearchOption.AllDirectories)];
    }

    [Theory, InlineData("--input", "pixels"), InlineData("--input", "float", "--opset", "12")]
    public void Paths_bytes_streams_batches_and_threads_give_the_answers_of_the_run(params string[] flags)
    {
        var path = Exported(flags);
        var pictures = Pictures();
        using var predictor = Predictor.Open(files.At("run"));
        var expected = pictures.Select(picture => predictor.Classify(picture)).ToArray();
        using var file = OnnxClassifier.Load(path, new() { BatchSize = 7 });
        using var again = Predictor.Open(files.At("run"), options: new() { BatchSize = 7 });
        foreach (var classifier in (PictureClassifier[])[file, again])
            AssertSameAnswers(classifier, pictures, expected);
    }

    // ShakeDrop's branches keep their scale in evaluation, so the file must be made from the network with the options in the method's name.
    [Fact]
    public void A_network_whose_method_has_options_in_its_name_is_exported()
    {
        Train("--method", "shakedrop:dropprobability=0.4");
        var (path, pictures) = (ExportedRun(), Pictures());
        using var predictor = Predictor.Open(files.At("run"));
        using var file = OnnxClassifier.Load(path, new());
        AssertSameAnswers(file, pictures, [.. pictures.Select(picture => predictor.Classify(picture))]);
    }

    private static void AssertSameAnswers(PictureClassifier classifier, string[] pictures, Classification[] expected)
    {
        Assert.Equal(["blue", "green", "red"], classifier.Classes);
        void AssertSame(int i, Classification answer)
        {
            Assert.All(expected[i].Probabilities.Zip(answer.Probabilities), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
            Assert.Equal(expected[i].Shown, answer.Shown);
            Assert.Equal(answer.Probabilities.OrderDescending(), answer.Top(5).Select(one => one.Probability));
        }
        var bytes = pictures.Select(File.ReadAllBytes).ToArray();
        var together = classifier.Classify(bytes);
        Parallel.For(0, pictures.Length, i =>
        {
            using var stream = File.OpenRead(pictures[i]);
            AssertSame(i, classifier.Classify(pictures[i]));
            AssertSame(i, classifier.Classify(bytes[i]));
            AssertSame(i, classifier.Classify(stream));
            AssertSame(i, together[i]);
        });
        // Pixels of the input's size are used unchanged.
        using var decoded = SKBitmap.Decode(pictures[^1]);
        var rgb = decoded.Pixels.SelectMany(pixel => new[] { pixel.Red, pixel.Green, pixel.Blue }).ToArray();
        AssertSame(pictures.Length - 1, classifier.ClassifyPixels(rgb));
        Assert.Throws<ArgumentException>(() => classifier.ClassifyPixels(rgb.AsSpan(1)));
    }

    [Fact]
    public async Task A_network_is_swapped_while_in_use_and_a_rejected_file_changes_nothing()
    {
        var first = File.ReadAllBytes(Exported());
        var other = CommandLine.Run(["train", "--quiet", .. files.Flags("other", 1), "--seed", "2"]);
        Assert.True(other.ExitCode == 0, other.Error);
        Assert.Equal(0, CommandLine.Run("export", files.At("other"), "--out", files.At("other.onnx")).ExitCode);
        var second = File.ReadAllBytes(files.At("other.onnx"));
        var picture = File.ReadAllBytes(Pictures()[0]);
        double Answer(byte[] file)
        {
            using var alone = OnnxClassifier.Load(file);
            return alone.Classify(picture).Probabilities[0];
        }
        double[] known = [Answer(first), Answer(second)];
        Assert.NotEqual(known[0], known[1]);
        var classifier = OnnxClassifier.Load(first);
        var (seen, stop) = (new System.Collections.Concurrent.ConcurrentDictionary<double, int>(), false);
        var callers = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            while (!Volatile.Read(ref stop))
                seen.AddOrUpdate(classifier.Classify(picture).Probabilities[0], 1, (_, count) => count + 1);
        })).ToArray();
        for (var i = 0; i < 20; i++)
        {
            classifier.Swap(i % 2 == 0 ? second : first);
            Assert.Throws<InputException>(() => classifier.Swap(first.AsSpan(0, 1000).ToArray()));
            Assert.Equal(known[1 - i % 2], classifier.Classify(picture).Probabilities[0]);
        }
        Volatile.Write(ref stop, true);
        await Task.WhenAll(callers);
        Assert.Equal(known.Order(), seen.Keys.Order());
        classifier.Swap(files.At("other.onnx"));
        Assert.Equal(known[1], classifier.Classify(picture).Probabilities[0]);
        classifier.Dispose();
        classifier.Dispose();
        Assert.Throws<ObjectDisposedException>(() => classifier.Classify(picture));
        Assert.Throws<ObjectDisposedException>(() => classifier.Swap(first));
    }

    [Fact]
    public void Classifiers_are_registered_as_services_by_name()
    {
        var path = Exported();
        var services = new ServiceCollection().AddPatchwork(path).AddPatchwork(path, "colours", new() { Threads = 2 })
            .AddPatchwork(files.At("none.onnx"), "missing");
        OnnxClassifier only;
        using (var provider = services.BuildServiceProvider())
        {
            only = provider.GetRequiredService<OnnxClassifier>();
            Assert.Same(only, provider.GetRequiredService<OnnxClassifier>());
            Assert.NotSame(only, provider.GetRequiredKeyedService<OnnxClassifier>("colours"));
            Assert.Throws<InputException>(() => provider.GetRequiredKeyedService<OnnxClassifier>("missing"));
            Assert.Equal(3, only.Classes.Count);
        }
        Assert.Throws<ObjectDisposedException>(() => only.Classes);
    }

    [Fact]
    public void The_predict_command_accepts_an_exported_file_in_place_of_a_run()
    {
        var (path, picture) = (Exported(), Pictures()[0]);
        string[] end = [picture, "--json"];
        var (ofRun, ofFile) = (CommandLine.Run(["predict", files.At("run"), .. end]), CommandLine.Run(["predict", path, .. end]));
        Assert.True(ofFile.ExitCode == 0, ofFile.Error);
        static (string?, string) First(string json)
        {
            var best = JsonNode.Parse(json)![0]!["classes"]![0]!;
            return ((string?)best["class"], ((double)best["probability"]!).ToString("F4", CultureInfo.InvariantCulture));
        }
        Assert.Equal(First(ofRun.Output), First(ofFile.Output));
        Assert.Contains("one set of weights", CommandLine.Run(["predict", path, .. end, "--which", "last"]).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Invalid_images_and_invalid_exported_files_are_rejected_with_the_reason()
    {
        var path = Exported();
        var bytes = File.ReadAllBytes(path);
        using (var classifier = OnnxClassifier.Load(path, new() { LargestPixels = 100 }))
        {
            Assert.Contains("Received: that was given, which is none of them",
                Assert.Throws<InputException>(() => classifier.Classify(new byte[100])).Message, StringComparison.Ordinal);
            Assert.Contains("Received: 16×16", Assert.Throws<InputException>(() => classifier.Classify(Directory.GetFiles(
                Path.Combine(files.Pictures, "red"))[0])).Message, StringComparison.Ordinal);
            Assert.ThrowsAny<OperationCanceledException>(() => classifier.ClassifyPixels(new byte[3 * 16 * 16], new CancellationToken(true)));
        }
        static string Refusal(byte[] file) => Assert.Throws<InputException>(() => OnnxClassifier.Load(file)).Message;
        Assert.Contains("damaged, cut off, or not an ONNX file", Refusal(bytes[..(bytes.Length / 2)]), StringComparison.Ordinal);
        Assert.Contains("damaged, cut off, or not an ONNX file", Refusal([1, 2, 3]), StringComparison.Ordinal);
        Assert.Contains("none.onnx", Assert.Throws<InputException>(() => OnnxClassifier.Load(files.At("none.onnx"))).Message,
            StringComparison.Ordinal);

        Assert.Contains("has none", Refusal(Graph(new(torch.nn.Identity()), null)), StringComparison.Ordinal);
        Assert.Contains("has none", Refusal(Graph(new(torch.nn.Identity()), "{\"classes\": 3}")), StringComparison.Ordinal);
        const string card = """
            {"model":"own","classes":["a","b"],"channels":3,"height":1,"width":1,"mean":[0,0,0],"deviation":[1,1,1],"input":"normalized"}
            """;
        Assert.Contains("whose graph differs", Refusal(Graph(new(torch.nn.Identity()), card)), StringComparison.Ordinal);      // three logits
        var graph = new OnnxGraph(torch.nn.Identity());
        var outside = new ProtobufWriter();
        outside.Integer(1, 3);
        outside.Integer(2, 1);
        outside.String(8, "weights");
        outside.Nested(13, entry =>
        {
            entry.String(1, "location");
            entry.String(2, "weights.bin");
        });
        outside.Integer(14, 1);
        graph.Weights.Add(outside);
        Assert.Contains("weights in another file", Refusal(Graph(graph, card, new OnnxValue("weights", 3))), StringComparison.Ordinal);
    }

    // A graph that returns the means of three channels as three logits.
    private static byte[] Graph(OnnxGraph graph, string? card, OnnxValue? factor = null)
    {
        var logits = graph.Mean(new("input", 3));
        logits = factor is { } weights ? graph.Node("Mul", [logits, weights], 3) : logits;
        logits = graph.Named("logits", "Identity", [logits], 3);
        graph.Named("probabilities", "Softmax", [logits], 3, new OnnxAttribute("axis", 1L));
        return OnnxFile.Of(graph, 17, ("input", OnnxType.Single, [3, 1, 1]), [("logits", [3]), ("probabilities", [3])],
            card is null ? [] : [new(OnnxExport.CardKey, card)]);
    }

    [Fact]
    public void The_command_and_the_program_of_the_guide_run_unchanged()
    {
        var page = File.ReadAllText(Repository.File("docs/guide/use-anywhere.md")).ReplaceLineEndings("\n");
        Assert.Contains("patchwork export runs/pictures --out pictures.onnx", page, StringComparison.Ordinal);
        var source = File.ReadAllText(Repository.File("tests/Patchwork.Tests/Inference/OnnxClassifierTests.cs")).ReplaceLineEndings("\n");
        Assert.Equal(Fence().Match(page).Groups["code"].Value,
            Program().Match(source).Groups["code"].Value.Replace("\n        ", "\n", StringComparison.Ordinal).Trim());
        Exported();
        var (file, picture) = (files.At("pictures.onnx"), Path.Combine(files.Pictures, "red", "003.png"));
        // <program>
        using var classifier = OnnxClassifier.Load(file);
        var answer = classifier.Classify(picture);
        Console.WriteLine($"{answer.Best.Class} {answer.Best.Probability:P1}");
        // </program>
        Assert.Contains(answer.Best.Class, classifier.Card.Classes);
    }

    [GeneratedRegex(@"// <program>\n(?<code>.*?)\n\s*// </program>", RegexOptions.Singleline)]
    private static partial Regex Program();

    [GeneratedRegex(@"```csharp\n(?<code>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Fence();
}
