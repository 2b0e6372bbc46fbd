using System.Runtime.InteropServices;

namespace Patchwork.Internals;

/// <summary>
/// The stack on which Linux tells the runtime that managed code on a thread has dereferenced null. The kernel first stores the thread's
/// registers there, and once AMX has been used these take 11 KiB: .NET 10 reserves 12 and a guard page, too little to go on, so the process
/// ends without a message, even inside a <c>try</c>.
/// </summary>
internal static unsafe partial class SignalStack
{
    // <elf.h>, <sys/mman.h>
    private const int MinSignalStackSize = 51;
    private const int None = 0, ReadAndWrite = 3, PrivateAndAnonymous = 0x22;

    private const uint WithoutAmx = 8 << 10;            // the registers of AVX-512 take less than half of this
    private const uint ForTheRuntime = 64 << 10;

    [ThreadStatic]
    private static bool hasRoom;

    /// <summary>
    /// Gives this thread a larger stack where the kernel may store AMX's registers, and does nothing elsewhere. The thread keeps it until
    /// it ends.
    /// </summary>
    public static void MakeRoom()
    {
        if (hasRoom)
            return;
        hasRoom = true;
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return;
        var registers = getauxval(MinSignalStackSize);
        if (registers <= WithoutAmx)
            return;
        var page = (nuint)Environment.SystemPageSize;
        var size = (registers + ForTheRuntime + page - 1) / page * page;
        var memory = mmap(0, size, ReadAndWrite, PrivateAndAnonymous, -1, 0);
        if (memory == -1)
            return;
        // A page that cannot be used comes first, as in the runtime's own stack: an overflow must not damage other memory.
        if (mprotect(memory, page, None) != 0 || sigaltstack(new() { Start = memory, Size = size }, 0) != 0)
            _ = munmap(memory, size);
    }

    // stack_t of <signal.h>
    [StructLayout(LayoutKind.Sequential)]
    private struct Stack
    {
        public nint Start;
        public int Flags;
        public nuint Size;
    }

    [LibraryImport("libc")]
    private static partial nuint getauxval(nuint type);

    [LibraryImport("libc")]
    private static partial nint mmap(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc")]
    private static partial int mprotect(nint address, nuint length, int protection);

    [LibraryImport("libc")]
    private static partial int munmap(nint address, nuint length);

    [LibraryImport("libc")]
    private static partial int sigaltstack(in Stack wanted, nint found);
}
