namespace Patchwork;

/// <summary>
/// Thrown when work stops because a file can no longer be written (or read), usually on a full disk. The message is one sentence: what was
/// being written, what is kept and what to do. The command line prints it on standard error and exits with code 1.
/// </summary>
public sealed class OutputException(string message, Exception cause) : Exception(message, cause)
{
    // errno of Linux and macOS (ENOSPC, EDQUOT) and Windows' ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL, as IOException carries them.
    private static readonly int[] NoRoom = [28, 122, 69, unchecked((int)0x80070070), unchecked((int)0x80070027)];

    /// <summary>
    /// True for the errors that the operating system reports when a disk or a quota is full. Other failures mean that the location itself
    /// cannot be used.
    /// </summary>
    internal static bool IsNoRoom(Exception error) => error is IOException && NoRoom.Contains(error.HResult);
}
