using System.Runtime.InteropServices;

namespace Patchwork.Cli;

/// <summary>
/// Lets glibc keep what torch gives back. Tensors of a few megabytes come and go thousands of times a second; handed to the system and
/// asked for again, each comes as pages to be cleared, a quarter of the time of an evaluation of a small network. A setting of the whole
/// process, so it is the program's and not the library's.
/// </summary>
internal static unsafe class NativeMemory
{
    // <malloc.h>
    private const int TrimThreshold = -1, TopPad = -2, MmapThreshold = -3;
    private const int Chunk = 32 << 20;      // the most that glibc takes from an arena

    /// <summary>Does nothing where another C library is in use, or where the environment has its own settings.</summary>
    public static void Keep()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("MALLOC_TOP_PAD_") is not null
            || Environment.GetEnvironmentVariable("GLIBC_TUNABLES") is not null
            || !NativeLibrary.TryLoad("libc.so.6", out var library) || !NativeLibrary.TryGetExport(library, "mallopt", out var entry))
            return;
        var mallopt = (delegate* unmanaged<int, int, int>)entry;
        _ = mallopt(MmapThreshold, Chunk);
        _ = mallopt(TopPad, Chunk);
        _ = mallopt(TrimThreshold, int.MaxValue);
    }
}
