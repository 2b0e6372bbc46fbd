using System.Runtime.ExceptionServices;
using Patchwork.Randomness;
using Patchwork.Recipes;

namespace Patchwork.Comparisons;

/// <summary>
/// Runs independent items, several at a time, each on its own thread. A small network gains little from a second core: two runs on one core
/// each finish earlier than two runs one after the other on both cores, and their results do not depend on the machine's number of cores.
/// </summary>
internal static class ParallelRuns
{
    private const long MemoryEach = 4L << 30;

    /// <summary>How many runs at a time suit this machine: one per core, as far as each has 4 GiB of memory; one on a GPU.</summary>
    /// <param name="runs">Total number of runs.</param>
    /// <param name="recipe">The recipe that they share.</param>
    public static int Fitting(int runs, Recipe recipe)
    {
        if (recipe.Device != "cpu")
            return 1;
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / MemoryEach;
        return (int)Math.Clamp(Math.Min(Environment.ProcessorCount / Math.Max(1, recipe.Threads), memory), 1, runs);
    }

    /// <summary>
    /// Processes all items, starting with the first; the results are in the order of the items. The first failure ends the others at their
    /// next step and is thrown.
    /// </summary>
    /// <param name="items">The items.</param>
    /// <param name="atATime">Number of items at a time. One: on the calling thread.</param>
    /// <param name="work">Processes one item.</param>
    /// <param name="cancellation">Cancels all items.</param>
    public static IReadOnlyList<TResult> Run<TItem,
        TResult>(IReadOnlyList<TItem> items, int atATime, Func<TItem, CancellationToken, TResult> work, CancellationToken cancellation)
    {
        var results = new TResult[items.Count];
        if (atATime == 1)
        {
            foreach (var (i, item) in items.Index())
                results[i] = work(item, cancellation);
            return results;
        }
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        ExceptionDispatchInfo? failure = null;
        var next = -1;
        var threads = Enumerable.Range(0, Math.Min(atATime, items.Count)).Select(_ => new Thread(() =>
        {
            using var generator = TorchDraws.OwnGenerator();
            try
            {
                for (var i = Interlocked.Increment(ref next); i < items.Count && !stop.IsCancellationRequested; i =
                    Interlocked.Increment(ref next))
                    results[i] = work(items[i], stop.Token);
            }
            catch (Exception error)
            {
                Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(error), null);
                stop.Cancel();
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        failure?.Throw();
        cancellation.ThrowIfCancellationRequested();
        return results;
    }
}
