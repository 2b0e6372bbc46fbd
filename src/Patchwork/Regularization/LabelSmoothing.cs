using Patchwork.Losses;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// Label smoothing (Szegedy et al., CVPR 2016, arXiv 1512.00567): y becomes (1-ε)·y + ε/K. The same before mixing, after mixing and
/// inside cross entropy;
/// here the loss does it, once.
/// </summary>
public sealed record LabelSmoothing : LabelRule
{
    /// <summary>ε. Range [0, 1). Default 0.1, as in the CutMix paper.</summary>
    public double Epsilon
    {
        get;
        init => field = value is >= 0 and < 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"epsilon must lie in [0, 1). Received: epsilon = {value}."));
    } = 0.1;

    /// <inheritdoc/>
    public override string Id => "labelsmoothing";

    /// <inheritdoc/>
    public override Tensor Apply(Tensor targets)
    {
        using var kept = targets * Held(1 - Epsilon);
        return kept.Plus(Epsilon / targets.size(-1));
    }

    /// <inheritdoc/>
    /// <remarks>Cross entropy and binary cross entropy smooth by themselves, without making distributions of class ids.</remarks>
    /// <exception cref="ArgumentException">The loss smooths already.</exception>
    public override Loss In(Loss loss) => loss switch
    {
        CrossEntropy { LabelSmoothing: > 0 } or BinaryCrossEntropy { LabelSmoothing: > 0 } =>
            throw new ArgumentException($"Labels are smoothed once. Received: {loss.GetType().Name} with label smoothing, and {Id}. "
                + "Leave one of them out."),
        CrossEntropy entropy => entropy with { LabelSmoothing = Epsilon },
        BinaryCrossEntropy entropy => entropy with { LabelSmoothing = Epsilon },
        _ => base.In(loss),
    };
}
