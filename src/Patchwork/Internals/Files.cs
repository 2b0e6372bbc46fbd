namespace Patchwork.Internals;

/// <summary>Renaming where other programs look into the same folder.</summary>
internal static class Files
{
    private const int SharingViolation = unchecked((int)0x80070020), AccessDenied = unchecked((int)0x80070005);

    /// <summary>
    /// Gives a file the name of another, which it replaces. On Windows a virus scanner or a viewer that has either open for a moment
    /// forbids it: it is tried again for two seconds.
    /// </summary>
    public static void Replace(string from, string to) => Patiently(() => File.Move(from, to, overwrite: true));

    /// <summary>Gives a folder its name, as patiently.</summary>
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
