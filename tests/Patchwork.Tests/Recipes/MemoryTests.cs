using Patchwork.Plans;
using Patchwork.Recipes;
using Patchwork.Tests.Support;
using Patchwork.Training;
using TorchSharp;
using Xunit;

namespace Patchwork.Tests.Recipes;

[Collection(ProcessesCollection.Name)]
public sealed class MemoryTests
{
    // Reads both numbers between two steps, when nothing of a step may be alive.
    private sealed class Watch : Callback
    {
        public Dictionary<long, (long Tensors, long Bytes)> Seen { get; } = [];

        public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
        {
            if (state.Step % 200 == 0)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                GC.Collect();
                Seen[state.Step] = (torch.Tensor.TotalCount, Environment.WorkingSet);
            }
            return batch;
        }
    }

    [Fact]
    public void A_thousand_steps_keep_no_tensor_and_no_memory()
    {
        using var files = new PictureSet();
        var watch = new Watch();
        var recipe = new Recipe { Method = "cutmix", Epochs = 3, BatchSize = 4, Crop = 4, Flip = true };      // 3 × 450 steps
        TrainingRun.Start(recipe, files.At("run"), [watch], _ => { }, TestContext.Current.CancellationToken);
        var (early, late) = (watch.Seen[200], watch.Seen[1000]);
        Assert.Equal(early.Tensors, late.Tensors);
        Assert.True(late.Bytes < 1.01 * early.Bytes, $"{early.Bytes} bytes at step 200, {late.Bytes} at step 1,000");
    }
}
