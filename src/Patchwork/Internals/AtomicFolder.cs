namespace Patchwork.Internals;

/// <summary>
/// Creates folders that appear complete or not at all: a folder is filled under another name next to its final path, then renamed.
/// </summary>
internal static class AtomicFolder
{
    /// <summary>Creates the folder.</summary>
    /// <param name="path">Path of the folder, which must not exist.</param>
    /// <param name="what">What the folder is, for messages, such as "A run".</param>
    /// <param name="instead">What else the user could do, for messages; may be empty.</param>
    /// <param name="fill">Fills the folder whose path it receives.</param>
    /// <exception cref="InputException">The folder exists, or its parent cannot be written.</exception>
    /// <exception cref="OutputException">The disk is full.</exception>
    public static void Create(string path, string what, string instead, Action<string> fill)
    {
        if (Path.Exists(path))
            throw new InputException($"{what} needs a new folder. Received: {path}, which already exists. Choose another folder{instead}.");
        var own = $"{path}.{Environment.MachineName}-";      // if two processes fill the same folder, the later rename fails
        var aside = $"{own}{Environment.ProcessId}.partial";
        try
        {
            RemoveLeftBehind(own);
            Directory.CreateDirectory(aside);
            try
            {
                fill(aside);
            }
            catch
            {
                Directory.Delete(aside, recursive: true);
                throw;
            }
            Files.MoveFolder(aside, path);
        }
        catch (IOException error) when (OutputException.IsNoRoom(error))
        {
            throw new OutputException($"{what} needs more disk space than is available at {path} ({error.Message.TrimEnd('.')}). "
                + $"Nothing was kept. Free some space, or choose another folder.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{what} needs a folder that can be written. "
                + $"Received: {path} ({error.Message.TrimEnd('.')}). Choose another folder.", error);
        }
    }

    // Removes partial folders that killed processes of this machine left behind.
    private static void RemoveLeftBehind(string own)
    {
        var (folder, name) = (Path.GetDirectoryName(own)!, Path.GetFileName(own));
        foreach (var left in Directory.Exists(folder) ? Directory.GetDirectories(folder, $"{name}*.partial") : [])
        {
            var process = Path.GetFileNameWithoutExtension(left)[name.Length..];
            if (int.TryParse(process, out var id) && (id == Environment.ProcessId || RunningProcess.StartOf(id) is null))
                Directory.Delete(left, recursive: true);
        }
    }
}
