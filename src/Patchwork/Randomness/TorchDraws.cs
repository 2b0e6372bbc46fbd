using Patchwork.Internals;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Randomness;

/// <summary>
/// What is drawn with torch's own generator. Its default one is shared by all threads; where several runs train at a time, each thread has
/// a generator of its own, so that every run draws what it would have drawn alone.
/// </summary>
internal static class TorchDraws
{
    [ThreadStatic] private static Generator? own;
    [ThreadStatic] private static Tensor? rows;
    [ThreadStatic] private static int wholeRows;

    /// <summary>
    /// Held while the default generator is seeded for a network and the network drawn from it: layers take no other generator.
    /// </summary>
    public static Lock Networks { get; } = new();

    /// <summary>True on a thread of a run that goes on beside others.</summary>
    public static bool HasOwnGenerator => own is not null;

    /// <summary>Gives this thread a generator of its own, until what is returned is disposed.</summary>
    public static IDisposable OwnGenerator() => new Ownership();

    /// <summary>Seeds what <see cref="Uniform"/> draws from on this thread.</summary>
    public static void Seed(long seed)
    {
        if (own is null)
            SeedDefault(seed);
        else
            own.manual_seed(seed);
    }

    /// <summary>Seeds torch's default generators, on the CPU and on every CUDA device where there is one.</summary>
    public static void SeedDefault(long seed)
    {
#pragma warning disable RS0030 // the one place that may seed torch
        torch.manual_seed(seed);
        if (torch.cuda_is_available())
            torch.cuda.manual_seed_all(seed);
#pragma warning restore RS0030
    }

    /// <summary>
    /// Draws from [0, 1), float32 where that type is of 16 bits: the 256 numbers that bfloat16 has below 1 could not tell a chance of 0.010
    /// from one of 0.012. The caller owns them.
    /// </summary>
    public static Tensor Uniform(long[] shape, ScalarType dtype, Device device) => rand(shape, dtype.Wide(), device, generator: own);

    /// <summary>
    /// Has images of a whole batch draw while this rank's rows of it go through a network, until what is returned is disposed: an image's
    /// draws do not depend on the rank that has it.
    /// </summary>
    /// <param name="rows">This rank's rows; null: all of them.</param>
    /// <param name="whole">Rows of the whole batch.</param>
    public static IDisposable ForRows(int[]? rows, int whole) => new RowsOfWhole(rows, whole);

    /// <summary>Draws for each image from [0, 1), (N, …): those of the whole batch, of which <see cref="Own"/> takes this rank's.</summary>
    public static Tensor UniformOfImages(long[] shape, ScalarType dtype, Device device) =>
        Uniform(rows is null ? shape : [wholeRows, .. shape[1..]], dtype, device);

    /// <summary>This rank's rows of what was made for the whole batch; itself where there is one rank.</summary>
    public static Tensor Own(Tensor whole) => rows is null ? whole
        : whole.index_select(0, whole.device_type == DeviceType.CPU ? rows : rows.to(whole.device));

    private sealed class RowsOfWhole : IDisposable
    {
        public RowsOfWhole(int[]? own, int whole)
        {
            if (own is null)
                return;
            (rows, wholeRows) = (tensor(Array.ConvertAll(own, row => (long)row)).DetachFromDisposeScope(), whole);
        }

        public void Dispose()
        {
            rows?.Dispose();
            rows = null;
        }
    }

    private sealed class Ownership : IDisposable
    {
        public Ownership() => own = new Generator(0);

        public void Dispose()
        {
            own?.Dispose();
            own = null;
        }
    }
}
