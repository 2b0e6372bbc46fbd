namespace Patchwork;

/// <summary>
/// Another rank of the same training failed, in a way that has no exception of its own here. The message names the rank and its machine.
/// </summary>
public sealed class RankException : Exception
{
    internal RankException(string message, Exception? cause) : base(message, cause) { }
}
