using Patchwork.Internals;

namespace Patchwork.Cli;

/// <summary>Writes a file that the person named, whole or not at all.</summary>
internal static class OutputFile
{
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
                + "Nothing of it was kept; make room, or choose another --out.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The output must be in a place that can be written. "
                + $"Received: {path} ({error.Message.TrimEnd('.')}). Choose another --out.", error);
        }
    }
}
