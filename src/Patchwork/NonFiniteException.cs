namespace Patchwork;

/// <summary>
/// Training diverged: the loss of a step or of the validation, or a weight that was to be stored, is NaN or infinite. A checkpoint holds
/// finite weights only.
/// </summary>
public sealed class NonFiniteException : Exception
{
    internal NonFiniteException(string message, long step, Exception? cause = null) : base(message, cause) => Step = step;

    /// <summary>Optimizer steps that were completed before it was found.</summary>
    public long Step { get; }

    /// <summary>The same with advice for the user.</summary>
    internal NonFiniteException With(string advice) => new($"{Message} {advice}", Step, this);
}
