namespace Patchwork.Internals;

/// <summary>A folder that appears whole or not at all: it is filled beside its place and then renamed.</summary>
internal static class AtomicFolder
{
    /// <summary>Creates the folder.</summary>
    /// <param name="path">Where; must not exist.</param>
    /// <param name="what">What it is, for the message: "A run".</param>
    /// <param name="instead">What else the user could do, for the message; may be empty.</param>
    /// <param name="fill">Fills the folder whose path it is given.</param>
    /// <exception cref="InputException">The folder exists, or its place cannot be written.</exception>
    /// <exception cref="OutputException">The disk is full.</exception>
    public static void Create(string path, string what, string instead, Action<string> fill)
    {
        if (Path.Exists(path))
            throw new InputException($"{what} needs a folder of its own. Received: {path}, which exists. Choose another folder{instead}.");
        var own = $"{path}.{Environment.MachineName}-";      // of two processes that fill the same folder one is refused in the end
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
            throw new OutputException($"{what} needs more room than there is at {path} ({error.Message.TrimEnd('.')}). "
                + $"Nothing of it was kept; make room, or choose another folder.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{what} needs a place that can be written. "
                + $"Received: {path} ({error.Message.TrimEnd('.')}). Choose another folder.", error);
        }
    }

    // What a killed process of this machine had begun.
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
