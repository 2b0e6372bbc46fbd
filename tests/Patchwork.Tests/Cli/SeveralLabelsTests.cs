using System.Text.Json.Nodes;
using Patchwork.Data;
using Patchwork.Inference;
using Patchwork.Losses;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using SkiaSharp;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Cli;

/// <summary>Images with several labels, from the list to the prediction.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class SeveralLabelsTests : IDisposable
{
    private static readonly SKColor[] Colors = [new(220, 30, 30), new(30, 220, 30), new(30, 30, 220)];
    private static readonly string[] Names = ["red", "green", "blue"];

    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    // Images with squares of none to three colours on grey; the colours are the labels.
    private string List(int count = 80)
    {
        var lines = new List<string> { "file,labels" };
        for (var i = 0; i < count; i++)
        {
            int[] shown = [.. Enumerable.Range(0, 3).Where(k => (i >> k & 1) == 1)];
            PictureFiles.Write(files.At($"several/{i:D3}.png"), PictureFiles.Paint(16, 16, (y, x) =>
                Array.Find(shown, k => y / 5 == k && x / 5 == (i + k) % 3) is var k && shown.Contains(k) && y / 5 == k && x / 5 == (i + k) % 3
                    ? Colors[k] : new SKColor((byte)(90 + i % 7), 90, 90)));
            lines.Add($"{i:D3}.png,{string.Join('|', shown.Select(k => Names[k]))}");
        }
        File.WriteAllLines(files.At("several/labels.csv"), lines);
        return files.At("several/labels.csv");
    }

    private string[] Flags(string run, int epochs = 6) => ["--dataset", "list", "--data", List(), "--image-size", "16", "--epochs", $"{epochs}",
        "--batch-size", "8", "--threads", "1", "--out", files.At(run)];

    [Fact]
    public void A_list_with_several_labels_gives_rows_of_0_and_1_that_are_mixed_by_lambda()
    {
        using var scope = NewDisposeScope();
        var pair = DatasetCatalogue.Open("list", new DataOptions { Data = List(), ImageSize = 16 });
        Assert.True(pair.Train.IsMultiLabel);
        Assert.Equal(["blue", "green", "red"], pair.Train.ClassNames);
        Assert.Throws<InvalidOperationException>(() => pair.Train.Label(0));
        using var loader = new BatchLoader(pair.Train, new SeedStream(1), new LoaderOptions { BatchSize = 8, Threads = 0 })
        {
            Planner = new Patchwork.Mixing.CutMix { Probability = 1 },
        };
        var batch = loader.Epoch(0).First();
        Assert.Equal([8, 3], batch.Labels.shape);
        for (var i = 0; i < 8; i++)
            Assert.Equal(pair.Train.Labels(batch.Ids[i]), Enumerable.Range(0, 3).Where(k => batch.Labels[i, k].ToSingle() == 1));
        var soft = batch.Targets!.Soft(3);
        var expected = batch.Labels.mul(batch.Targets.Lambdas[0]) + batch.Targets.B.mul(1 - batch.Targets.Lambdas[0]);
        Assert.True(soft.sub(expected).abs().max().ToSingle() < 1e-6);
        // λ·L(a) + (1-λ)·L(b) is the loss of the mixed target, for every variant of binary cross entropy.
        var logits = randn(8, 3);
        foreach (var loss in new Loss[] { new BinaryCrossEntropy(), new BinaryCrossEntropy { Gamma = 2 },
            new BinaryCrossEntropy { PositiveWeights = [1, 2, 0.5], ClassWeights = [1, 0, 3] } })
            Assert.Equal(loss.Evaluate(logits, soft).ToSingle(), batch.Targets.Loss(logits, loss).ToSingle(), 1e-5);
        Assert.Equal(batch.Labels.maximum(batch.Targets.B).sum().ToSingle(), batch.Targets.MultiHot(3).sum().ToSingle());
    }

    [Fact]
    public void Weighted_and_focal_binary_cross_entropy_match_PyTorch_and_the_paper()
    {
        using var scope = NewDisposeScope();
        var (logits, yes) = (randn(5, 3), rand(5, 3));
        using var weights = tensor(new float[] { 0.5f, 2, 3 });
        var torch = nn.functional.binary_cross_entropy_with_logits(logits, yes, pos_weights: weights, reduction: nn.Reduction.Mean);
        Assert.Equal(torch.ToSingle(), new BinaryCrossEntropy { PositiveWeights = [0.5, 2, 3] }.Evaluate(logits, yes).ToSingle(), 1e-5);
        var p = logits.sigmoid();
        var focal = -((1 - p).pow(2) * yes * p.log() + p.pow(2) * (1 - yes) * (1 - p).log()).mean();
        Assert.Equal(focal.ToSingle(), new BinaryCrossEntropy { Gamma = 2 }.Evaluate(logits, yes).ToSingle(), 1e-5);
        Assert.Equal(new BinaryCrossEntropy().Evaluate(logits, yes).ToSingle(),
            new BinaryCrossEntropy { PositiveWeights = [1, 1, 1], ClassWeights = [1, 1, 1] }.Evaluate(logits, yes).ToSingle(), 1e-5);
    }

    [Fact]
    public void A_run_with_several_labels_is_trained_evaluated_predicted_and_explained()
    {
        var trained = CommandLine.Run(["train", "--method", "cutmix", "--probability", "0.3", "--class-weights", "balanced", .. Flags("run", 12), "--json"]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        Assert.Contains("mean average precision", trained.Error, StringComparison.Ordinal);
        var map = trained.Json().GetProperty("best").GetProperty("meanAveragePrecision").GetDouble();
        Assert.InRange(map, 0.6, 1);      // chance level is about one half
        var evaluated = CommandLine.Run("evaluate", files.At("run"), "--json");
        Assert.True(evaluated.ExitCode == 0, evaluated.Error);
        var suites = evaluated.Json();
        Assert.Equal(["clean", "calibration"], suites.EnumerateObject().Select(suite => suite.Name));
        Assert.Equal(map, suites.GetProperty("clean").GetProperty("best_map").GetProperty("value").GetDouble(), 1e-6);
        Assert.Contains("one label each", CommandLine.Run("evaluate", files.At("run"), "--suite", "occlusion").Refusal(), StringComparison.Ordinal);
        var card = ModelCard.Read(files.At("run/checkpoints/model.json"));
        Assert.True(card is { MultiLabel: true, Threshold: > 0 and < 1 });
        var answer = CommandLine.Run("predict", files.At("run"), files.At("several/007.png"), "--json");
        var probabilities = answer.Json()[0].GetProperty("classes").EnumerateArray().Select(one => one.GetProperty("probability").GetDouble());
        Assert.All(probabilities, value => Assert.InRange(value, 0, 1));
        var explained = CommandLine.Run("explain", files.At("run"), files.At("several/003.png"), "--class", "green", "--out", files.At("seen.png"));
        Assert.True(explained.ExitCode == 0, explained.Error);
    }

    [Fact]
    public void A_comparison_with_several_labels_resumes_folds_and_is_reported()
    {
        string[] compare = ["compare", "--methods", "baseline,cutmix", "--folds", "2", "--evaluate", "clean,calibration", .. Flags("compared", 2), "--quiet"];
        var first = CommandLine.Run([.. compare, "--union-labels", "--loss", "focal"]);
        Assert.True(first.ExitCode == 0, first.Error);
        Assert.Contains("Metrics per label", File.ReadAllText(files.At("compared/report.html")), StringComparison.Ordinal);
        Assert.Equal(0, CommandLine.Run([.. compare, "--union-labels", "--loss", "focal"]).ExitCode);
        Assert.Contains("several labels", CommandLine.Run(["train", "--balanced", .. Flags("no", 1)]).Refusal(), StringComparison.Ordinal);
        Assert.Contains("one label each", CommandLine.Run(["train", "--method", "puzzlemix", .. Flags("no", 1)]).Refusal(), StringComparison.Ordinal);
    }
}
