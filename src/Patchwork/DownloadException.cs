namespace Patchwork;

/// <summary>
/// A published file that could not be had, or did not arrive as it was published. The message names it, its address, what of it is kept,
/// and where to put it by hand. The command line exits with 1: the next call goes on with what is kept.
/// </summary>
public sealed class DownloadException : Exception
{
    internal DownloadException(string message, Exception? cause = null) : base(message, cause) { }
}
