namespace Patchwork;

/// <summary>
/// Work that stopped because a file could not be written (or read) any more, above all on a full disk. The message is one sentence: what
/// was being written, what is kept, what to do. The command line prints it on standard error and exits with 1.
/// </summary>
public sealed class OutputException(string message, Exception cause) : Exception(message, cause)
{
    // errno of Linux and macOS (ENOSPC, EDQUOT) and Windows' ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL, as IOException carries them.
    private static readonly int[] NoRoom = [28, 122, 69, unchecked((int)0x80070070), unchecked((int)0x80070027)];

    /// <summary>
    /// True for what the operating system says when a disk or a quota is full. Other failures mean that the place itself cannot be used.
    /// </summary>
    internal static bool IsNoRoom(Exception error) => error is IOException && NoRoom.Contains(error.HResult);
}
