using System.Runtime.ExceptionServices;
using Patchwork.Distributed;
using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>
/// Makes batches of a data set: order, augmentation and mixing plan are drawn from streams addressed by epoch, step and example, so the
/// batches are bit-identical for any number of threads, and an epoch can start at any step. Worker threads assemble batches ahead of time,
/// into pooled buffers.
/// </summary>
/// <remarks>
/// A batch is valid until the next one is requested; clone what must be kept. Its tensors belong to the loader. Only one epoch can run at a
/// time; <see cref="Dispose"/> frees the buffers.
/// </remarks>
public sealed class BatchLoader : IDisposable
{
    private readonly SeedStream seeds;
    private readonly LoaderOptions options;
    private readonly BatchAssembler assembler;
    private readonly BatchBuffer[] buffers;
    private byte[] scratch = [];
    private int[] order = [];
    private bool inUse, takesRows;
    private int rank, ranks = 1;

    /// <summary>Creates a loader for a data set, which it does not own.</summary>
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

    /// <summary>Draws the plans for mixing batches while they are assembled; null leaves them unmixed. Set it between epochs.</summary>
    public IPlanner? Planner
    {
        get;
        set => field = value is null or { Needs: Needs.Nothing, PlansBoxes: true } ? value
            : throw new ArgumentException(value.Needs == Needs.Nothing
                ? "A loader can only paste boxes. Mix after loading instead."
                : $"A planner that needs {value.Needs} cannot plan ahead of the batch. Mix after loading instead.");
    }

    /// <summary>The planners that erase parts of the images before they are mixed, in this order. Set them between epochs.</summary>
    public IReadOnlyList<IPlanner> Erasers { get; set; } = [];

    /// <summary>
    /// If true, each of several ranks assembles all rows, for mixers that must see the whole batch. Set it between epochs. Default false.
    /// </summary>
    internal bool AssemblesWhole { get; set; }

    /// <summary>
    /// Assembles one rank's rows of every batch from now on. Order, augmentation and plans stay those of the whole batch, and partners of
    /// other ranks' rows are read from the data set, so that the rows of all ranks together are bit-identical to the batch of a single
    /// process. Call it between epochs; a <c>Trainer</c> does so.
    /// </summary>
    /// <param name="rank">The number of this rank, from 0.</param>
    /// <param name="ranks">Number of ranks. Range: at least 1.</param>
    public void TakePart(int rank, int ranks)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, ranks);
        (this.rank, this.ranks) = (rank, ranks);
    }

    /// <summary>Batches per epoch.</summary>
    public int Steps => Math.Max(1, (Dataset.Count + options.BatchSize - LeastBatch) / options.BatchSize);

    /// <summary>Images per full batch.</summary>
    public int BatchSize => options.BatchSize;

    /// <summary>The minimum number of images in a batch; see <see cref="LoaderOptions.LeastBatch"/>.</summary>
    public int LeastBatch => Math.Min(options.LeastBatch, options.BatchSize);

    /// <summary>The batches of an epoch, from <paramref name="firstStep"/> on.</summary>
    /// <exception cref="InvalidOperationException">Another epoch of this loader is not finished.</exception>
    /// <exception cref="DamagedDataException">An example cannot be read.</exception>
    public IEnumerable<Batch> Epoch(long epoch, int firstStep = 0) => Batches(epoch, firstStep, 1, ownRows: true);

    /// <summary>
    /// Every <paramref name="stride"/>-th batch of an epoch, complete, for an evaluation whose batches are divided among ranks.
    /// </summary>
    internal IEnumerable<Batch> Every(int stride, long epoch, int firstStep) => Batches(epoch, firstStep, stride, ownRows: false);

    private IEnumerable<Batch> Batches(long epoch, int firstStep, int stride, bool ownRows)
    {
        if (inUse)
            throw new InvalidOperationException("A loader makes one epoch at a time. "
                + "Received: a second one before the first was finished. Use a second loader.");
        (inUse, takesRows) = (true, ownRows);
        order = options is { Shuffle: true, Balanced: true } ? BalancedOrder.Of(Dataset, seeds, epoch)
            : options.Shuffle ? seeds.Open("shuffle", epoch).Permutation(Dataset.Count) : [.. Enumerable.Range(0, Dataset.Count)];
        try
        {
            if (options.Threads == 0)
            {
                for (var step = firstStep; step < Steps; step += stride)
                    yield return Make(epoch, step, buffers[0], ref scratch).Batch;
                yield break;
            }
            using var ahead = new AheadOfTime(this, epoch, firstStep, stride);
            for (var i = 0; firstStep + i * stride < Steps; i++)
                yield return ahead.Take(i).Batch;
        }
        finally
        {
            inUse = false;
        }
    }

    /// <summary>
    /// Returns the batch of the same examples before mixing, with the same crops, mirroring and erased parts, for image grids and audits.
    /// For a <see cref="Batch.Part"/>, it is the whole batch. The tensors are new and belong to the caller's dispose scope.
    /// </summary>
    public Batch Unmixed(Batch batch, long epoch)
    {
        byte[] own = [];
        using var buffer = new BatchBuffer();
        int[] ids = [.. batch.Part?.Ids ?? batch.Ids];
        if (batch is { Part: not null, HasCleanHalf: true })
            ids = [.. ids, .. ids];
        var unmixed = Fill(buffer, ids, new(0, ids.Length), epoch, plan: null, batch.Erased, ref own).Batch;
        return unmixed with { Images = unmixed.Images.clone(), Labels = unmixed.Labels.clone() };
    }

    /// <summary>
    /// The object mask of an example in an epoch, cropped and mirrored like the example, H·W bytes; null if it is not known.
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
        var rows = ranks == 1 || AssemblesWhole || !takesRows ? new(0, ids.Length) : RankRows.Of(ids.Length, rank, ranks);
        return Fill(buffer, ids, rows, epoch, Planner?.Plan(Context("mix")), erased, ref scratch);
    }

    private BatchBuffer Fill(BatchBuffer buffer, int[] ids, RankRows rows, long epoch, MixPlan? plan, IReadOnlyList<MixPlan> erased,
        ref byte[] scratch)
    {
        var spare = rows.Count == 0;
        if (spare)
            rows = new(0, 1);
        buffer.Resize(rows.Count, Dataset);
        try
        {
            assembler.Assemble(ids, rows, epoch, plan, erased, buffer.ImageMemory, ref scratch);
        }
        catch (InputException error)
        {
            throw new DamagedDataException(error);
        }
        buffer.Publish(ids, rows, plan, erased, Dataset, spare);
        return buffer;
    }

    /// <summary>Worker threads that assemble the next batches, each into the buffer that its step will be read from.</summary>
    private sealed class AheadOfTime : IDisposable
    {
        private readonly BatchLoader loader;
        private readonly long epoch;
        private readonly Thread[] threads;
        private readonly int firstStep, stride, count;
        private readonly int[] ready;                  // which of the batches a buffer holds, counted from 0, or -1
        private readonly Dictionary<int, Exception> failures = [];
        private readonly object gate = new();
        private int next, taken;
        private bool stopped;

        public AheadOfTime(BatchLoader loader, long epoch, int firstStep, int stride)
        {
            (this.loader, this.epoch, this.firstStep, this.stride, taken) = (loader, epoch, firstStep, stride, -1);
            count = (loader.Steps - firstStep + stride - 1) / stride;
            ready = [.. loader.buffers.Select(_ => -1)];
            threads =
            [
                .. Enumerable.Range(0, loader.options.Threads).Select(i => new Thread(Work) { IsBackground = true, Name = $"loader {i}" }),
            ];
            foreach (var thread in threads)
                thread.Start();
        }

        /// <summary>Waits for a batch; the buffer of the previous one becomes free.</summary>
        public BatchBuffer Take(int batch)
        {
            lock (gate)
            {
                taken = batch;
                Monitor.PulseAll(gate);
                while (ready[batch % ready.Length] != batch)
                {
                    if (failures.TryGetValue(batch, out var failure))
                        ExceptionDispatchInfo.Throw(failure);
                    Monitor.Wait(gate);
                }
            }
            return loader.buffers[batch % ready.Length];
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
                int batch;
                lock (gate)
                {
                    // A buffer may be overwritten once the batch in it has been consumed.
                    while (!stopped && next < count && next - ready.Length >= taken)
                        Monitor.Wait(gate);
                    if (stopped || next >= count)
                        return;
                    batch = next++;
                }
                Exception? failure = null;
                try
                {
                    loader.Make(epoch, firstStep + batch * stride, loader.buffers[batch % ready.Length], ref scratch);
                }
                catch (Exception error)
                {
                    failure = error;
                }
                lock (gate)
                {
                    if (failure is null)
                        ready[batch % ready.Length] = batch;
                    else
                        failures[batch] = failure;
                    Monitor.PulseAll(gate);
                }
            }
        }
    }
}
