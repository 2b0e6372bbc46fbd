using Patchwork.Plans;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Patchwork.Training;
using TorchSharp;
using Xunit;

namespace Patchwork.Tests.Runs;

[Collection(ProcessesCollection.Name)]
public sealed class MemoryTests : IDisposable
{
    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    // Counts between two steps, when nothing of a step may be alive.
    private sealed class Watch : Callback
    {
        public Dictionary<long, long> Tensors { get; } = [];

        public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
        {
            if (state.Step % 500 == 0)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                Tensors[state.Step] = torch.Tensor.TotalCount;
            }
            return batch;
        }
    }

    [Fact]
    public void A_thousand_steps_keep_no_tensor()
    {
        Lane.NeedFull("4,000 steps of a recipe's run; TrainerTests counts the tensors of a trainer's own steps");
        var watch = new Watch();
        files.Paint(perClass: 200);
        var recipe = new Recipe
        {
            Dataset = "folder",
            Data = files.Pictures,
            ImageSize = 16,
            Method = "cutmix",
            Epochs = 20,
            BatchSize = 4,
            Crop = 2,
            Flip = true,
            Threads = 1,
        };
        TrainingRun.Start(recipe, files.At("run"), [watch], _ => { }, cancellation: TestContext.Current.CancellationToken);
        // From the second epoch on: by then training and evaluation have made their buffers.
        Assert.Equal(watch.Tensors[500], watch.Tensors[1500]);
    }

    [Fact]
    public async Task A_thousand_steps_keep_no_memory()
    {
        Lane.NeedFull("12,500 steps, compiled anew");
        // In a process of its own, watched from outside. Both allocators are told not to keep what they could give back, code is compiled
        // once, and the least of an epoch's readings leaves out what lives for a moment: what remains is what is held. A leak grows in
        // every epoch, while an allocator or the runtime takes a step of some megabytes now and then: the median of the slopes between all
        // pairs of epochs (Theil and Sen) sees the first and not the second, where epochs are long. Small batches make them so.
        var tight = new Dictionary<string, string>
        {
            ["DOTNET_GCgen0size"] = "400000",
            ["DOTNET_GCConserveMemory"] = "9",
            ["DOTNET_TieredCompilation"] = "0",
            ["MALLOC_MMAP_THRESHOLD_"] = "131072",
            ["MALLOC_TRIM_THRESHOLD_"] = "131072",
            ["MALLOC_ARENA_MAX"] = "1",
        };
        using var process = CommandLine.Start(tight, "train", "--method", "cutmix", "--batch-size", "2", "--image-size", "16", "--epochs",
            "10", "--threads", "1", "--out", files.At("run"));
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Dictionary<int, long> least = [];
        var epoch = 0;
        var lines = Task.Run(() =>
        {
            while (process.StandardError.ReadLine() is { } line)
            {
                if (line.Contains("epoch ", StringComparison.Ordinal))
                    Interlocked.Increment(ref epoch);
            }
        }, TestContext.Current.CancellationToken);
        while (!process.WaitForExit(5))
        {
            if (WorkingSet(process) is > 0 and var bytes)
                least[epoch] = Math.Min(bytes, least.GetValueOrDefault(epoch, long.MaxValue));
        }
        await lines;
        Assert.True(process.ExitCode == 0, await output);
        Assert.True(epoch >= 10, $"{epoch} epochs were reported");
        const int steps = 1251;     // an epoch's; the first three make buffers
        var settled = Enumerable.Range(3, 7).ToArray();
        var slopes = settled.SelectMany(later => settled.Where(early => early < later)
            .Select(early => (double)(least[later] - least[early]) / (later - early) / steps)).Order().ToArray();
        var growth = 1000 * slopes[slopes.Length / 2] / least[3];
        Assert.True(growth < 0.01,
            $"{growth:P2} in 1,000 steps; bytes held, epoch by epoch: {string.Join(", ", settled.Select(e => least[e]))}");
    }

    // 0 once the process has ended, at whatever moment that is.
    private static long WorkingSet(System.Diagnostics.Process process)
    {
        try
        {
            process.Refresh();
            return process.WorkingSet64;
        }
        catch (InvalidOperationException)
        {
            return 0;
        }
    }
}
