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

    // Counts tensors between two steps, when no tensor of a step may be alive.
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
    public void A_thousand_steps_leak_no_tensors()
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
        // From the second epoch on, training and evaluation have allocated their buffers.
        Assert.Equal(watch.Tensors[500], watch.Tensors[1500]);
    }

    [Fact]
    public async Task A_thousand_steps_leak_no_memory()
    {
        Lane.NeedFull("12,500 steps, compiled anew");
        // The run has its own process and is measured from outside. Both allocators are told not to keep memory that they could return,
        // code is compiled once, and only the minimum of the readings in an epoch counts, which excludes short-lived memory. A leak grows
        // in every epoch, while an allocator or the runtime occasionally grows by a few megabytes at once. The median of the slopes between
        // all pairs of epochs (Theil-Sen) detects the former and ignores the latter, if epochs are long; small batches make them long.
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
        const int steps = 1251;     // per epoch; the first three epochs allocate buffers
        var settled = Enumerable.Range(3, 7).ToArray();
        var slopes = settled.SelectMany(later => settled.Where(early => early < later)
            .Select(early => (double)(least[later] - least[early]) / (later - early) / steps)).Order().ToArray();
        var growth = 1000 * slopes[slopes.Length / 2] / least[3];
        Assert.True(growth < 0.01,
            $"{growth:P2} in 1,000 steps; bytes held, epoch by epoch: {string.Join(", ", settled.Select(e => least[e]))}");
    }

    // Returns 0 if the process has ended, even if it ends during this call.
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
