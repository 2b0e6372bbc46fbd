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
        var aside = path + ".partial";
        try
        {
            if (Directory.Exists(aside))
                Directory.Delete(aside, recursive: true);
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
            Directory.Move(aside, path);
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
}
