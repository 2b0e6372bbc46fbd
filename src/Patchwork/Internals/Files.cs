namespace Patchwork.Internals;

/// <summary>Renames files and folders that other programs may have open.</summary>
internal static class Files
{
    private const int SharingViolation = unchecked((int)0x80070020), AccessDenied = unchecked((int)0x80070005);

    /// <summary>
    /// Renames a file, replacing any file of the new name. On Windows this fails while a virus scanner or a viewer has either file open, so
    /// it is retried for two seconds.
    /// </summary>
    public static void Replace(string from, string to) => Patiently(() => File.Move(from, to, overwrite: true));

    /// <summary>Renames a folder, with the same retries.</summary>
    public static void MoveFolder(string from, string to) => Patiently(() => Directory.Move(from, to));

    private static void Patiently(Action move)
    {
        const int times = 20;
        for (var i = 1; ; i++)
        {
            try
            {
                move();
                return;
            }
            catch (Exception error) when (i < times && OperatingSystem.IsWindows() && IsHeld(error))
            {
                Thread.Sleep(100);
            }
        }
    }

    internal static bool IsHeld(Exception error) =>
        error is UnauthorizedAccessException or IOException { HResult: SharingViolation or AccessDenied };
}
