namespace Patchwork;

/// <summary>
/// A published file could not be downloaded, or differs from what was published. The message names the file, its address, how much of it
/// was kept, and where to put it by hand. The command line exits with 1; the next call resumes from what was kept.
/// </summary>
public sealed class DownloadException : Exception
{
    internal DownloadException(string message, Exception? cause = null) : base(message, cause) { }
}
