using System.Text.Json;
using Patchwork.Comparisons;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Patchwork.Training;
using Xunit;

namespace Patchwork.Tests.Comparisons;

[Collection(SerialCollection.Name)]
public sealed class ComparedTrainingTests : IDisposable
{
    private readonly PictureSet files = new PictureSet().Paint();

    public void Dispose() => files.Dispose();

    [Fact]
    public void The_expected_lambdas_follow_the_Beta_distribution()
    {
        Assert.All(ComparedTraining.Beta(1), mass => Assert.Equal(1.0 / LambdaHistogram.Bins, mass, 5e-4));      // uniform
        double Arcsine(double x) => 2 / Math.PI * Math.Asin(Math.Sqrt(x));      // Beta(1/2, 1/2)
        foreach (var (bin, mass) in ComparedTraining.Beta(0.5).Index())
            Assert.Equal(Arcsine((bin + 1) / 20.0) - Arcsine(bin / 20.0), mass, 5e-4);
        Assert.Equal(ComparedTraining.Beta(3), ComparedTraining.Beta(3).Reverse(), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void Every_mixed_image_is_counted_once_by_its_lambda()
    {
        var recipe = new Recipe
        {
            Dataset = "folder",
            Data = files.Pictures,
            ImageSize = 16,
            Epochs = 2,
            BatchSize = 5,
            Threads = 1,
            Method = "cutmix",
            Partners = Patchwork.Mixing.Partners.Derangement
        };
        var result = TrainingRun.Start(recipe, files.At("run"), [], _ => { }, cancellation: TestContext.Current.CancellationToken);
        var trained = recipe.Split(recipe.OpenData()).Train.Count;
        Assert.NotEqual(1, trained % recipe.BatchSize);      // an image alone in a batch is its own partner
        Assert.Equal(2 * trained, result.Lambdas!.Sum());
        Assert.Equal(result.Lambdas, RunFolder.Open(files.At("run")).ReadResult().Lambdas);
        Assert.Null(TrainingRun.Start(recipe with { Method = "baseline", Partners = null }, files.At("plain"), [], _ =>
            { }, cancellation: TestContext.Current.CancellationToken).Lambdas);

        // The mean over the bins matches the replaced area to within half a bin.
        var kept = result.Lambdas!.Select((count, bin) => count * (bin + 0.5) / LambdaHistogram.Bins).Sum() / result.Lambdas!.Sum();
        var replaced = File.ReadLines(Path.Combine(files.At("run"), "metrics.jsonl"))
            .Average(line => JsonDocument.Parse(line).RootElement.GetProperty("mix/replaced_area").GetDouble());
        Assert.Equal(1 - replaced, kept, 0.5 / LambdaHistogram.Bins);
    }
}
