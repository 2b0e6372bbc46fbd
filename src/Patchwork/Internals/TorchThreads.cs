using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Patchwork.Internals;

/// <summary>
/// Splits work over the threads that torch computes on. After an operation they spin for a moment, ready for the next one, so work handed
/// to them starts immediately; separate threads would wait for a core until the spinning ends.
/// </summary>
internal static unsafe class TorchThreads
{
    private static readonly delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void> runOnTeam = FindTeam();

    /// <summary>
    /// Runs units 0 … <paramref name="units"/> − 1, each once, in no particular order. If units throw, the first exception is rethrown
    /// after all threads have finished, inside an <see cref="AggregateException"/>.
    /// </summary>
    public static void For(int units, Action<int> unit)
    {
        var work = new Work(units, unit);
        if (get_num_threads() == 1 || units == 1)
        {
            work.Run();
        }
        else if (runOnTeam is null)
        {
            Parallel.For(0, Math.Min(units, get_num_threads()), _ => work.Run());
        }
        else
        {
            runOnTeam(&Enter, Unsafe.AsPointer(ref work), (uint)Math.Min(units, get_num_threads()), 0);
            GC.KeepAlive(work);
        }
        if (work.Failure is { } failure)
            throw new AggregateException(failure);
    }

    [UnmanagedCallersOnly]
    private static void Enter(void* work) => Unsafe.AsRef<Work>(work).Run();

    // GNU's and LLVM's OpenMP both export this entry; with another OpenMP, threads of the .NET pool are used.
    private static delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void> FindTeam()
    {
        NativeLibraries.Ensure();
        return (delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void>)NativeFunctions.OfTorch("GOMP_parallel");
    }

    private sealed class Work(int units, Action<int> unit)
    {
        private int next = -1;

        public Exception? Failure { get; private set; }

        public void Run()
        {
            try
            {
                for (var i = Interlocked.Increment(ref next); i < units; i = Interlocked.Increment(ref next))
                    unit(i);
            }
            catch (Exception e)      // must not cross native frames
            {
                Failure ??= e;
            }
        }
    }
}
