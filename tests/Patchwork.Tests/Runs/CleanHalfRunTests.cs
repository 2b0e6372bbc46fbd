using Patchwork.Plans;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Patchwork.Training;
using Xunit;

namespace Patchwork.Tests.Runs;

[Collection(SerialCollection.Name)]
public sealed class CleanHalfRunTests : IDisposable
{
    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    private static Recipe Recipe(string method) => new()
    {
        Dataset = "shapes",
        Method = method,
        CleanHalf = true,
        Subset = 60,
        Epochs = 3,
        CleanTail = 1,
        BatchSize = 16,
        Threads = 1,
        Precision = Precision.Float32,
        Validation = "0.2",
        Flip = true,
    };

    private RunResult Start(Recipe recipe, string folder, params Callback[] callbacks) =>
        TrainingRun.Start(recipe, files.At(folder), callbacks, _ => { }, cancellation: TestContext.Current.CancellationToken);

    [Theory, InlineData("mixup"), InlineData("cutmix"), InlineData("cutmix+cutout"), InlineData("puzzlemix")]
    public void Each_step_sees_twice_the_images_until_the_clean_tail(string method)
    {
        var seen = new Watch();
        Start(Recipe(method), "run", seen);
        // Three epochs of three steps with 16 images each. A step has twice as many if its plan changes any of them (a plan of PuzzleMix
        // may change none).
        Assert.Equal(9, seen.Rows.Count);
        Assert.Contains(32, seen.Rows.Take(6));
        Assert.All(seen.Rows.Take(6), rows => Assert.True(rows == 32 || (rows == 16 && method == "puzzlemix"), $"{rows} rows"));
        Assert.All(seen.Rows.TakeLast(3), rows => Assert.Equal(16, rows));
    }

    // Resuming from a checkpoint inside an epoch gives the same weights as an uninterrupted run, bit for bit.
    [Fact]
    public void A_run_with_a_clean_half_resumes_to_the_same_weights()
    {
        var recipe = Recipe("cutmix") with { CheckpointEvery = 1 };
        Start(recipe, "whole");
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            TrainingRun.Start(recipe, files.At("broken"), [new Watch { StopAt = (5, stop) }], _ => { }, cancellation: stop.Token));
        TrainingRun.Resume(files.At("broken"), [], _ => { }, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(files.At("whole/checkpoints/last.safetensors")),
            File.ReadAllBytes(files.At("broken/checkpoints/last.safetensors")));
    }

    [Theory]
    [InlineData("baseline", 1)]
    [InlineData("manifoldmixup", 1)]
    [InlineData("cutout", 1)]
    [InlineData("mixup", 2)]
    public void A_clean_half_is_rejected_if_no_pixels_are_mixed_or_gradients_are_accumulated(string method, int accumulate)
    {
        var refused = Assert.Throws<InputException>(() =>
            (Recipe(method) with { CleanTail = 0, Accumulate = accumulate }).Resolve());
        Assert.Contains(accumulate > 1 ? "clean half" : "`CleanHalf`", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_mention_a_clean_half_and_a_comparison_applies_it_only_to_methods_that_mix()
    {
        var resolved = (Recipe("baseline") with { CleanTail = 0 }).Resolve(["baseline", "mixup"]);
        Assert.Equal(["Baseline", "Mixup with a clean half"], resolved.Select(one => one.Name));
        Assert.False(resolved[0].Recipe.CleanHalf);
    }

    private sealed class Watch : Callback
    {
        public List<int> Rows { get; } = [];

        public (int Step, CancellationTokenSource Source)? StopAt { get; init; }

        public override void OnTrainBatchEnd(TrainingState state, Batch batch)
        {
            Rows.Add(batch.Count);
            if (StopAt is { } stop && Rows.Count == stop.Step)
                stop.Source.Cancel();
        }
    }
}
