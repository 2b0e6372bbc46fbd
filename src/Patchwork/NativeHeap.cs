using Patchwork.Internals;

namespace Patchwork;

/// <summary>
/// Settings of the C library's memory for programs that train or evaluate on a CPU. They are the whole process's, so they are the
/// program's to make and not the library's.
/// </summary>
public static unsafe class NativeHeap
{
    // <malloc.h>
    private const int TrimThreshold = -1, TopPad = -2, MmapThreshold = -3;
    private const int Chunk = 32 << 20;      // the most that glibc takes from an arena

    /// <summary>
    /// Lets glibc keep what torch gives back. Tensors of a few megabytes come and go thousands of times a second; handed to the system and
    /// asked for again, each comes as pages to be cleared, up to a third of the time of a small network. Call it once, as the first thing
    /// in a program. The process then holds the most memory that it ever needed.
    /// </summary>
    /// <returns>
    /// False where nothing was done: another C library is in use, or the environment has settings of its own (<c>MALLOC_TOP_PAD_</c>,
    /// <c>GLIBC_TUNABLES</c>).
    /// </returns>
    public static bool KeepFreed()
    {
        if (Environment.GetEnvironmentVariable("MALLOC_TOP_PAD_") is not null
            || Environment.GetEnvironmentVariable("GLIBC_TUNABLES") is not null)
            return false;
        var entry = NativeFunctions.OfGlibc("mallopt");
        if (entry == 0)
            return false;
        var mallopt = (delegate* unmanaged<int, int, int>)entry;
        return mallopt(MmapThreshold, Chunk) + mallopt(TopPad, Chunk) + mallopt(TrimThreshold, int.MaxValue) == 3;
    }
}
