using Patchwork.Losses;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// Label smoothing (Szegedy et al., CVPR 2016, arXiv 1512.00567): replaces y by (1-ε)·y + ε/K. The result is the same
/// before mixing, after mixing and inside cross entropy; here the loss applies it, once.
/// </summary>
public sealed record LabelSmoothing : LabelRule
{
    /// <summary>ε, the share of the label that is spread over all classes. Range [0, 1). Default 0.1, as in the CutMix paper.</summary>
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
    /// <remarks>Cross entropy and binary cross entropy apply smoothing themselves, without converting class ids to distributions.</remarks>
    /// <exception cref="ArgumentException">The loss already smooths its labels.</exception>
    public override Loss In(Loss loss) => loss switch
    {
        CrossEntropy { LabelSmoothing: > 0 } or BinaryCrossEntropy { LabelSmoothing: > 0 } =>
            throw new ArgumentException($"Labels can be smoothed only once. Received: {loss.GetType().Name} with label smoothing, "
                + $"and {Id}. Omit one of them."),
        CrossEntropy entropy => entropy with { LabelSmoothing = Epsilon },
        BinaryCrossEntropy entropy => entropy with { LabelSmoothing = Epsilon },
        _ => base.In(loss),
    };
}
