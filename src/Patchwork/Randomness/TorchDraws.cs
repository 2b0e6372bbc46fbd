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
