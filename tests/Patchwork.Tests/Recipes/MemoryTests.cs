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
            if (state.Step % 50 == 0)
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
        var recipe = new Recipe { Method = "cutmix", Epochs = 5, BatchSize = 4, Crop = 4, Flip = true };      // 5 × 450 steps
        TrainingRun.Start(recipe, files.At("run"), [watch], _ => { }, TestContext.Current.CancellationToken);
        // From the second epoch on: by then training and evaluation have made their buffers. The least of a few readings leaves out what the allocator
        // holds for a moment after an evaluation.
        (long Tensors, long Bytes) Around(long step) =>
            (watch.Seen[step].Tensors, Enumerable.Range(0, 7).Min(i => watch.Seen[step + 50 * i].Bytes));
        var (early, late) = (Around(550), Around(1550));
        Assert.Equal(early.Tensors, late.Tensors);
        Assert.True(late.Bytes < 1.01 * early.Bytes, $"{early.Bytes} bytes at step 550, {late.Bytes} a thousand steps later");
    }
}
