using Patchwork.Plans;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Patchwork.Training;
using Xunit;

namespace Patchwork.Tests.Runs;

[Collection(SerialCollection.Name)]
public sealed class CleanTailTests : IDisposable
{
    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    [Theory, InlineData("cutmix"), InlineData("mixup"), InlineData("mixup-or-cutmix"), InlineData("manifoldmixup"), InlineData("cutout"),
        InlineData("cutmix+randomerasing"), InlineData("manifoldmixup+cutout")]
    public void Nothing_is_mixed_or_erased_in_the_clean_tail(string method)
    {
        var seen = new Watch();
        var recipe = new Recipe
        {
            Method = method,
            Subset = 40,
            Epochs = 4,
            CleanTail = 2,
            BatchSize = 16,
            Threads = 1,
            Validation =
            "0.2"
        };
        TrainingRun.Start(recipe, files.At("run"), [seen], _ => { }, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal([true, true, false, false], seen.Touched);
        Assert.Equal([false, false], seen.Targets[2..]);
    }

    private sealed class Watch : Callback
    {
        public List<bool> Touched { get; } = [];

        public List<bool> Targets { get; } = [];

        public override void OnTrainEpochStart(TrainingState state)
        {
            Touched.Add(false);
            Targets.Add(false);
        }

        public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
        {
            Touched[^1] |= batch.Plan is { ChangesPixels: true } || batch.Erased.Any(plan => plan.ChangesPixels);
            Targets[^1] |= batch.Targets is not null;
            return batch;
        }
    }
}
