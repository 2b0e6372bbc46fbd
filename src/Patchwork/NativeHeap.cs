using Patchwork.Internals;

namespace Patchwork;

/// <summary>
/// Settings of the C library's memory allocator for programs that train or evaluate on a CPU. They affect the whole process, so the program
/// must make them, not the library.
/// </summary>
public static unsafe class NativeHeap
{
    // <malloc.h>
    private const int TrimThreshold = -1, TopPad = -2, MmapThreshold = -3;
    private const int Chunk = 32 << 20;      // the largest mmap threshold that glibc accepts

    /// <summary>
    /// Makes glibc keep the memory that torch frees. Tensors of a few megabytes are allocated and freed thousands of times per second; if
    /// their memory goes back to the system, every allocation gets pages that must be cleared first, which takes up to a third of the time
    /// of a small network. Call it once, as the first thing in a program. The process then keeps its peak memory until it ends.
    /// </summary>
    /// <returns>
    /// False if nothing was done: another C library is in use, or the environment has its own settings (<c>MALLOC_TOP_PAD_</c>,
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
