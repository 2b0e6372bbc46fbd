using Patchwork.Internals;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Randomness;

/// <summary>
/// Draws from torch's own generators. The default generator is shared by all threads; when several runs train at the same time, each thread
/// has its own generator, so that every run draws the same values as it would alone.
/// </summary>
internal static class TorchDraws
{
    [ThreadStatic] private static Generator? own;
    [ThreadStatic] private static Tensor? rows;
    [ThreadStatic] private static int wholeRows;

    /// <summary>
    /// The lock held while the default generator is seeded and a network is initialized from it: layers accept no other generator.
    /// </summary>
    public static Lock Networks { get; } = new();

    /// <summary>True on a thread whose run trains alongside others and has its own generator.</summary>
    public static bool HasOwnGenerator => own is not null;

    /// <summary>Gives this thread its own generator until the returned object is disposed.</summary>
    public static IDisposable OwnGenerator() => new Ownership();

    /// <summary>Seeds the generator that <see cref="Uniform"/> uses on this thread.</summary>
    public static void Seed(long seed)
    {
        if (own is null)
            SeedDefault(seed);
        else
            own.manual_seed(seed);
    }

    /// <summary>Seeds torch's default generators, on the CPU and on every CUDA device if there are any.</summary>
    public static void SeedDefault(long seed)
    {
#pragma warning disable RS0030 // the one place that may seed torch
        torch.manual_seed(seed);
        if (torch.cuda_is_available())
            torch.cuda.manual_seed_all(seed);
#pragma warning restore RS0030
    }

    /// <summary>
    /// Uniform values from [0, 1), in float32 if the type has 16 bits: the 256 values of bfloat16 below 1 could not distinguish a
    /// probability of 0.010 from one of 0.012. The caller owns the tensor.
    /// </summary>
    public static Tensor Uniform(long[] shape, ScalarType dtype, Device device) => rand(shape, dtype.Wide(), device, generator: own);

    /// <summary>
    /// Makes draws per image cover the whole batch while this rank's rows of it go through a network, until the returned object is
    /// disposed: an image's draws do not depend on the rank that processes it.
    /// </summary>
    /// <param name="rows">This rank's rows; null means all of them.</param>
    /// <param name="whole">Number of rows of the whole batch.</param>
    public static IDisposable ForRows(int[]? rows, int whole) => new RowsOfWhole(rows, whole);

    /// <summary>
    /// Uniform values from [0, 1) for each image, (N, …), drawn for the whole batch; <see cref="Own"/> selects this rank's rows.
    /// </summary>
    public static Tensor UniformOfImages(long[] shape, ScalarType dtype, Device device) =>
        Uniform(rows is null ? shape : [wholeRows, .. shape[1..]], dtype, device);

    /// <summary>Selects this rank's rows of a tensor for the whole batch; returns the tensor itself if there is one rank.</summary>
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
