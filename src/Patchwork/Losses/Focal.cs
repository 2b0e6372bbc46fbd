using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Losses;

/// <summary>
/// Focal loss (Lin et al., ICCV 2017, eq. 4) of softmax(logits), <c>-Σ y_k·(1-p_k)^γ·log p_k</c>: well-classified samples count less.
/// Linear in the target.
/// </summary>
public sealed record Focal : Loss
{
    /// <summary>γ; 0 gives cross entropy. Range: 0 or more. Default 2, as in the paper.</summary>
    public double Gamma
    {
        get;
        init => field = value >= 0 && double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"gamma must be 0 or more. Received: gamma = {value}."));
    } = 2;

    /// <summary>Weight α of each class, (K) (eq. 5); null weighs all classes equally. Range: 0 or more.</summary>
    public IReadOnlyList<double>? ClassWeights { get; init => field = CheckedWeights(value); }

    /// <inheritdoc/>
    public override Tensor PerSample(Tensor logits, Tensor targets)
    {
        using var scope = NewDisposeScope();
        var ids = AreIds(logits, targets);
        if (!ids && !AreDistributions(logits, targets))
            throw Misfit(logits, targets);
        var logProbability = nn.functional.log_softmax(logits, 1);      // (N, K)
        var each = -OneMinus(logProbability.exp()).clamp_min(Zero).pow(Held(Gamma)) * logProbability;
        if (WeightsOf(ClassWeights, logits) is { } weights)
            each *= weights;
        return (ids ? each.gather(1, targets.unsqueeze(1)).squeeze(1) : (targets * each).sum(1)).MoveToOuterDisposeScope();
    }
}
