namespace Patchwork;

/// <summary>
/// Training diverged: the loss of a training step, the validation loss, or a weight about to be stored is NaN or infinite. Checkpoints
/// contain only finite weights.
/// </summary>
public sealed class NonFiniteException : Exception
{
    internal NonFiniteException(string message, long step, Exception? cause = null) : base(message, cause) => Step = step;

    /// <summary>Number of optimizer steps completed before it was detected.</summary>
    public long Step { get; }

    /// <summary>The same exception with advice for the user added to its message.</summary>
    internal NonFiniteException With(string advice) => new($"{Message} {advice}", Step, this);
}
