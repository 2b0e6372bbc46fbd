using static TorchSharp.torch;

namespace Patchwork.Internals;

/// <summary>Settings of the OpenMP library whose threads torch computes on: GNU's on Linux.</summary>
internal static unsafe class OpenMp
{
    private const int KeepWhatIsSet = 0;

    private static readonly Lazy<nint> setThreads = new(() => NativeFunctions.OfOpenMp("omp_set_num_threads"));

    /// <summary>
    /// Makes threads that wait for work spin for a few dozen microseconds, about the time between two operations, and then sleep. By
    /// default they spin for milliseconds, which costs nothing on an idle machine but most of the speed if another program needs the cores:
    /// an operation is as slow as its slowest thread. Without any spinning, threads would have to be woken for every operation. The library
    /// reads this setting when it is loaded; settings in the user's environment take precedence.
    /// </summary>
    public static void BoundSpinning()
    {
        // Not through Environment, which does not reach native code.
        if (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null && Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") is null
            && NativeFunctions.OfGlibc("setenv") is not 0 and var setenv)
        {
            fixed (byte* name = "GOMP_SPINCOUNT\0"u8, value = "4000\0"u8)
                _ = ((delegate* unmanaged<byte*, byte*, int, int>)setenv)(name, value, KeepWhatIsSet);
        }
    }

    /// <summary>
    /// Limits the number of threads for this thread's operations until disposed. Other threads keep their number, and this thread's is
    /// restored afterwards, so that work on a single image does not slow down runs alongside it. A run sets the number for all of torch
    /// instead, which affects MKL too.
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

        // Affects this thread only; torch.set_num_threads would also affect threads created later.
        private void Set(int threads)
        {
            if (set != 0)
                ((delegate* unmanaged<int, void>)set)(threads);
        }
    }
}
