namespace Patchwork.Randomness;

/// <summary>The address of a random stream: enough to draw its values again.</summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Purpose">What the draws are for, e.g. <c>mix</c>.</param>
/// <param name="Epoch">Completed epochs when drawn.</param>
/// <param name="Index">Step within the run, or id of the example.</param>
public readonly record struct StreamId(ulong Seed, string Purpose, long Epoch, long Index);

/// <summary>
/// The only source of randomness: any number of named streams, derived from one seed. A stream is addressed by its purpose, epoch, and step
/// or example, so its values are the same for any number of threads and ranks, and a resumed run draws the same values as an uninterrupted
/// one.
/// </summary>
/// <remarks>
/// Philox4x32-10 keyed by the seed; the counter is (draw, index, epoch, purpose). Values that torch draws itself (initial weights, dropout)
/// come from its default generator, which <see cref="SeedTorch"/> reseeds before a model is built and at every step, on that step's thread
/// only.
/// </remarks>
public sealed class SeedStream(ulong seed)
{
    /// <summary>The seed that every stream is derived from.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>Opens a stream at its first draw. Opening it again gives the same values.</summary>
    /// <param name="purpose">What the draws are for; a different purpose gives an independent stream.</param>
    /// <param name="epoch">Epoch, 0 to 2^32 - 1.</param>
    /// <param name="index">Step or example id, 0 to 2^32 - 1.</param>
    public Draws Open(string purpose, long epoch = 0, long index = 0) => new(new StreamId(Seed, purpose, epoch, index));

    /// <summary>
    /// Reseeds torch's default generators (CPU, and every CUDA device if there are any) for one piece of work on this thread.
    /// </summary>
    public void SeedTorch(string purpose, long epoch = 0, long index = 0) => TorchDraws.Seed(TorchSeed(purpose, epoch, index));

    /// <summary>Creates a network whose initial weights depend only on this seed, whatever other threads do.</summary>
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
