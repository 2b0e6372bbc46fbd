using Patchwork.Internals;

namespace Patchwork.Reporting;

/// <summary>A file that the user named: a sheet, a report, a table.</summary>
public static class OutputFile
{
    /// <summary>Writes the file whole or not at all, and its folder where there is none.</summary>
    /// <param name="path">Where; a file that is there is replaced.</param>
    /// <param name="content">All of it.</param>
    /// <exception cref="InputException">The place cannot be written.</exception>
    /// <exception cref="OutputException">The disk is full.</exception>
    public static void Write(string path, byte[] content)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            AtomicFile.Write(path, stream => stream.Write(content));
        }
        catch (IOException error) when (OutputException.IsNoRoom(error))
        {
            throw new OutputException($"The output needs more room than there is at {path} ({error.Message.TrimEnd('.')}). "
                + "Nothing of it was kept; make room, or choose another place.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The output must be in a place that can be written. "
                + $"Received: {path} ({error.Message.TrimEnd('.')}). Choose another place.", error);
        }
    }
}
