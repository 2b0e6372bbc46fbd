using static TorchSharp.torch;

namespace Patchwork.Internals;

/// <summary>The OpenMP library on whose threads torch computes: GNU's on Linux.</summary>
internal static unsafe class OpenMp
{
    private const int KeepWhatIsSet = 0;

    private static readonly Lazy<nint> setThreads = new(() => NativeFunctions.OfOpenMp("omp_set_num_threads"));

    /// <summary>
    /// Has threads that wait for work spin for a few dozen microseconds, about as long as there is between two operations, and sleep then.
    /// By default they spin for milliseconds, which costs nothing on an idle machine and most of the speed where another program wants the
    /// cores: an operation is as slow as its slowest thread. Without any spinning they would be woken for every operation. The library
    /// reads this as it is loaded; what the user's environment says stays.
    /// </summary>
    public static void BoundSpinning()
    {
        // Not by Environment: that does not reach native code.
        if (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null && Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") is null
            && NativeFunctions.OfGlibc("setenv") is not 0 and var setenv)
        {
            fixed (byte* name = "GOMP_SPINCOUNT\0"u8, value = "4000\0"u8)
                _ = ((delegate* unmanaged<byte*, byte*, int, int>)setenv)(name, value, KeepWhatIsSet);
        }
    }

    /// <summary>
    /// This thread's operations on so many threads until disposed. Others keep their number, and so does this one afterwards: a single
    /// picture must not slow the runs beside it. A run sets the number of all of torch instead, which reaches MKL too.
    /// </summary>
    public static ThreadLimit On(int threads) => new(setThreads.Value, threads);

    public readonly ref struct ThreadLimit : IDisposable
    {
        private readonly nint set;
        private readonly int before;

        internal ThreadLimit(nint set, int threads)
        {
            (this.set, before) = (set, get_num_threads());
            Set(threads);
        }

        public void Dispose() => Set(before);

        // Of this thread alone, where torch.set_num_threads is for those to come too.
        private void Set(int threads)
        {
            if (set != 0)
                ((delegate* unmanaged<int, void>)set)(threads);
        }
    }
}
