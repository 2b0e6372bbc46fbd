using Patchwork.Plans;

namespace Patchwork.Regularization;

/// <summary>
/// Label smoothing (Szegedy et al., CVPR 2016, arXiv 1512.00567): y becomes (1-ε)·y + ε/K. The same before mixing, after mixing and inside cross entropy;
/// here the loss does it, once.
/// </summary>
public sealed record LabelSmoothing : IMethod
{
    /// <summary>ε. Range [0, 1). Default 0.1, as in the CutMix paper.</summary>
    public double Epsilon
    {
        get;
        init => field = value is >= 0 and < 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), FormattableString.Invariant($"epsilon must lie in [0, 1). Received: epsilon = {value}."));
    } = 0.1;

    /// <inheritdoc/>
    public string Id => "labelsmoothing";
}
