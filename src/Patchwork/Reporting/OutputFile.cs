using Patchwork.Internals;

namespace Patchwork.Reporting;

/// <summary>Writes a file that the user named: a sheet, a report or a table.</summary>
public static class OutputFile
{
    /// <summary>Writes the file completely or not at all; creates its folder if it does not exist.</summary>
    /// <param name="path">Path of the file; an existing file is replaced.</param>
    /// <param name="content">The whole content of the file.</param>
    /// <exception cref="InputException">The path cannot be written.</exception>
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
                + "Nothing was kept. Free some space, or choose another place.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The output must be in a writable place. "
                + $"Received: {path} ({error.Message.TrimEnd('.')}). Choose another place.", error);
        }
    }
}
