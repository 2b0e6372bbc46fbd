using System.Runtime.ExceptionServices;
using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>
/// Makes batches of a data set: order, augmentation and mixing plan are drawn from streams addressed by epoch, step and example, so the
/// batches are the same to the bit for any number of threads, and an epoch can be entered at any step. Worker threads assemble ahead into
/// pooled buffers.
/// </summary>
/// <remarks>
/// A batch is valid until the next one is asked for; clone what must stay. Its tensors belong to the loader. One epoch at a time;
/// <see cref="Dispose"/> frees the buffers.
/// </remarks>
public sealed class BatchLoader : IDisposable
{
    private readonly SeedStream seeds;
    private readonly LoaderOptions options;
    private readonly BatchAssembler assembler;
    private readonly BatchBuffer[] buffers;
    private byte[] scratch = [];
    private int[] order = [];
    private bool inUse;

    /// <summary>A loader over a data set, which it does not own.</summary>
    /// <exception cref="ArgumentException">The set is empty.</exception>
    public BatchLoader(Dataset dataset, SeedStream seeds, LoaderOptions options)
    {
        if (dataset.Count == 0)
            throw new ArgumentException("The data set must hold at least one example. Received: none.");
        (Dataset, this.seeds, this.options) = (dataset, seeds, options);
        assembler = new BatchAssembler(dataset, seeds, options);
        // One buffer in use, one for each thread to write into, one finished ahead.
        buffers = [.. Enumerable.Range(0, options.Threads + 2).Select(_ => new BatchBuffer())];
    }

    /// <summary>The data set.</summary>
    public Dataset Dataset { get; }

    /// <summary>
    /// Draws the plan that batches are mixed by while they are assembled; null leaves them as they are. Set it between epochs.
    /// </summary>
    public IPlanner? Planner
    {
        get;
        set => field = value is null or { Needs: Needs.Nothing, PlansBoxes: true } ? value
            : throw new ArgumentException(value.Needs == Needs.Nothing
                ? "A loader pastes boxes and nothing else. Mix after loading instead."
                : $"A planner that sees {value.Needs} cannot plan ahead of the batch. Mix after loading instead.");
    }

    /// <summary>Draw what is erased from the images before they are mixed, in this order. Set them between epochs.</summary>
    public IReadOnlyList<IPlanner> Erasers { get; set; } = [];

    /// <summary>Batches per epoch.</summary>
    public int Steps => Math.Max(1, (Dataset.Count + options.BatchSize - LeastBatch) / options.BatchSize);

    /// <summary>Images per full batch.</summary>
    public int BatchSize => options.BatchSize;

    /// <summary>The fewest images of a batch; see <see cref="LoaderOptions.LeastBatch"/>.</summary>
    public int LeastBatch => Math.Min(options.LeastBatch, options.BatchSize);

    /// <summary>The batches of an epoch, from <paramref name="firstStep"/> on.</summary>
    /// <exception cref="InvalidOperationException">Another epoch of this loader is not finished.</exception>
    /// <exception cref="DamagedDataException">An example cannot be read.</exception>
    public IEnumerable<Batch> Epoch(long epoch, int firstStep = 0)
    {
        if (inUse)
            throw new InvalidOperationException("A loader makes one epoch at a time. "
                + "Received: a second one before the first was finished. Use a second loader.");
        inUse = true;
        order = options is { Shuffle: true, Balanced: true } ? BalancedOrder.Of(Dataset, seeds, epoch)
            : options.Shuffle ? seeds.Open("shuffle", epoch).Permutation(Dataset.Count) : [.. Enumerable.Range(0, Dataset.Count)];
        try
        {
            if (options.Threads == 0)
            {
                for (var step = firstStep; step < Steps; step++)
                    yield return Make(epoch, step, buffers[0], ref scratch).Batch;
                yield break;
            }
            using var ahead = new AheadOfTime(this, epoch, firstStep);
            for (var step = firstStep; step < Steps; step++)
                yield return ahead.Take(step).Batch;
        }
        finally
        {
            inUse = false;
        }
    }

    /// <summary>
    /// The batch of the same examples as they were before mixing: same crops, same mirroring, same holes. For image grids and audits. The
    /// tensors are new and belong to the caller's dispose scope.
    /// </summary>
    public Batch Unmixed(Batch batch, long epoch)
    {
        byte[] own = [];
        using var buffer = new BatchBuffer();
        var unmixed = Fill(buffer, [.. batch.Ids], epoch, plan: null, batch.Erased, ref own).Batch;
        return unmixed with { Images = unmixed.Images.clone(), Labels = unmixed.Labels.clone() };
    }

    /// <summary>
    /// Where the object of an example shows in an epoch, cropped and mirrored as the example is, H·W bytes; null where that is not known.
    /// </summary>
    internal byte[]? ObjectMask(int id, long epoch) => assembler.ObjectMask(id, epoch);

    /// <summary>Frees the buffers.</summary>
    public void Dispose()
    {
        foreach (var buffer in buffers)
            buffer.Dispose();
    }

    private BatchBuffer Make(long epoch, int step, BatchBuffer buffer, ref byte[] scratch)
    {
        var start = step * options.BatchSize;
        var ids = order[start..(step == Steps - 1 ? order.Length : start + options.BatchSize)];
        MixContext Context(string purpose) => new(ids.Length, Dataset.Height, Dataset.Width, seeds.Open(purpose, epoch, step))
        {
            Epoch = epoch + (double)step / Steps,
            ObjectMask = row => ObjectMask(ids[row], epoch),
        };
        MixPlan[] erased = [.. Erasers.Select((eraser, i) => eraser.Plan(Context($"erase/{i}")))];
        return Fill(buffer, ids, epoch, Planner?.Plan(Context("mix")), erased, ref scratch);
    }

    private BatchBuffer Fill(BatchBuffer buffer, int[] ids, long epoch, MixPlan? plan, IReadOnlyList<MixPlan> erased, ref byte[] scratch)
    {
        buffer.Resize(ids.Length, Dataset);
        try
        {
            assembler.Assemble(ids, epoch, plan, erased, buffer.ImageMemory, ref scratch);
        }
        catch (InputException error)
        {
            throw new DamagedDataException(error);
        }
        buffer.Publish(ids, plan, erased, Dataset);
        return buffer;
    }

    /// <summary>Worker threads that assemble the coming batches, each into the buffer that its step will be read from.</summary>
    private sealed class AheadOfTime : IDisposable
    {
        private readonly BatchLoader loader;
        private readonly long epoch;
        private readonly Thread[] threads;
        private readonly int[] ready;                  // step that a buffer holds, or -1
        private readonly Dictionary<int, Exception> failures = [];
        private readonly object gate = new();
        private int next, taken;
        private bool stopped;

        public AheadOfTime(BatchLoader loader, long epoch, int firstStep)
        {
            (this.loader, this.epoch, next, taken) = (loader, epoch, firstStep, firstStep - 1);
            ready = [.. loader.buffers.Select(_ => -1)];
            threads =
            [
                .. Enumerable.Range(0, loader.options.Threads).Select(i => new Thread(Work) { IsBackground = true, Name = $"loader {i}" }),
            ];
            foreach (var thread in threads)
                thread.Start();
        }

        /// <summary>Waits for a step's batch; the buffer of the step before it is free from now on.</summary>
        public BatchBuffer Take(int step)
        {
            lock (gate)
            {
                taken = step;
                Monitor.PulseAll(gate);
                while (ready[step % ready.Length] != step)
                {
                    if (failures.TryGetValue(step, out var failure))
                        ExceptionDispatchInfo.Throw(failure);
                    Monitor.Wait(gate);
                }
            }
            return loader.buffers[step % ready.Length];
        }

        public void Dispose()
        {
            lock (gate)
            {
                stopped = true;
                Monitor.PulseAll(gate);
            }
            foreach (var thread in threads)
                thread.Join();
        }

        private void Work()
        {
            byte[] scratch = [];
            while (true)
            {
                int step;
                lock (gate)
                {
                    // A buffer may be written once the step that lies in it has been used up.
                    while (!stopped && next < loader.Steps && next - ready.Length >= taken)
                        Monitor.Wait(gate);
                    if (stopped || next >= loader.Steps)
                        return;
                    step = next++;
                }
                Exception? failure = null;
                try
                {
                    loader.Make(epoch, step, loader.buffers[step % ready.Length], ref scratch);
                }
                catch (Exception error)
                {
                    failure = error;
                }
                lock (gate)
                {
                    if (failure is null)
                        ready[step % ready.Length] = step;
                    else
                        failures[step] = failure;
                    Monitor.PulseAll(gate);
                }
            }
        }
    }
}
