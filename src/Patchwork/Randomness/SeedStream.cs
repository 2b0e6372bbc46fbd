namespace Patchwork.Randomness;

/// <summary>Which stream a value was drawn from: enough to draw it again.</summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Purpose">What the draws are for, e.g. <c>mix</c>.</param>
/// <param name="Epoch">Completed epochs when drawn.</param>
/// <param name="Index">Step within the run, or id of the example.</param>
public readonly record struct StreamId(ulong Seed, string Purpose, long Epoch, long Index);

/// <summary>
/// One seed, any number of named streams: the only door to randomness. A stream is addressed by what it is for (purpose, epoch, step or
/// example), so its values are the same for any number of threads and ranks, and a resumed run draws what the unbroken run would have
/// drawn.
/// </summary>
/// <remarks>
/// Philox4x32-10 keyed by the seed; the counter is (draw, index, epoch, purpose). What torch draws itself (initial weights, dropout) comes
/// from its default generator, which <see cref="SeedTorch"/> reseeds before a model is built and at every step, on that step's thread only.
/// </remarks>
public sealed class SeedStream(ulong seed)
{
    /// <summary>The seed that every stream is derived from.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>Opens a stream at its first draw. Opening it again gives the same values again.</summary>
    /// <param name="purpose">What the draws are for; another purpose is another, independent stream.</param>
    /// <param name="epoch">Epoch, 0 to 2^32 - 1.</param>
    /// <param name="index">Step or example id, 0 to 2^32 - 1.</param>
    public Draws Open(string purpose, long epoch = 0, long index = 0) => new(new StreamId(Seed, purpose, epoch, index));

    /// <summary>
    /// Reseeds torch's default generators (CPU, and every CUDA device where there is one) for one piece of work on this thread.
    /// </summary>
    public void SeedTorch(string purpose, long epoch = 0, long index = 0) => TorchDraws.Seed(TorchSeed(purpose, epoch, index));

    /// <summary>Makes a network whose first weights are those of this seed, whatever other threads do.</summary>
    internal T Network<T>(Func<T> create)
    {
        lock (TorchDraws.Networks)
        {
            TorchDraws.SeedDefault(TorchSeed("model", 0, 0));
            return create();
        }
    }

    private long TorchSeed(string purpose, long epoch, long index) => (long)(Open(purpose, epoch, index).NextUInt64() >> 1);
}
