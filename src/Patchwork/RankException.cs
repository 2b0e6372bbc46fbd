namespace Patchwork;

/// <summary>
/// Another rank of the same training run failed with an error that has no exception type of its own here. The message names the rank and
/// its machine.
/// </summary>
public sealed class RankException : Exception
{
    internal RankException(string message, Exception? cause) : base(message, cause) { }
}
