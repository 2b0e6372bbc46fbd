using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Losses;

/// <summary>
/// Binary cross entropy of sigmoid(logits), <c>-Σ_k y_k·log σ(z_k) + (1-y_k)·log(1-σ(z_k))</c>, one decision per class. Targets are class
/// ids (N), or distributions or multi-hot rows (N, K); for a single logit (N, 1) they are numbers from 0 to 1, (N) or (N, 1).
/// </summary>
public sealed record BinaryCrossEntropy : Loss
{
    /// <summary>ε of label smoothing: targets become (1-ε)·y + ε/K, with one logit (1-ε)·y + ε/2. Range [0, 1). Default 0.</summary>
    public double LabelSmoothing { get; init => field = CheckedSmoothing(value); }

    /// <summary>Sum over the classes of a sample instead of averaging (timm's <c>sum_classes</c>). Default false.</summary>
    public bool SumClasses { get; init; }

    /// <summary>
    /// Threshold above which targets become 1; the others become 0 (timm's <c>target_threshold</c>, for mixed targets). Range [0, 1). Null,
    /// the default, leaves the targets unchanged.
    /// </summary>
    public double? Threshold
    {
        get;
        init => field = value is null or (>= 0 and < 1) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"threshold must lie in [0, 1). Received: threshold = {value}."));
    }

    /// <summary>
    /// γ of the focal form of each class's loss, <c>-(1-p)^γ·y·log p - p^γ·(1-y)·log(1-p)</c> (Lin et al. 2017, eq. 4, with sigmoid); 0
    /// gives cross entropy. Range: 0 or more. Default 0.
    /// </summary>
    public double Gamma
    {
        get;
        init => field = value >= 0 && double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"gamma must be 0 or more. Received: gamma = {value}."));
    }

    /// <summary>Weight of each class, (K); null weighs all classes equally. Range: 0 or more.</summary>
    public IReadOnlyList<double>? ClassWeights { get; init => field = CheckedWeights(value); }

    /// <summary>Weight of the positive term of each class, (K), like PyTorch's <c>pos_weight</c>; null means 1. Range: 0 or more.</summary>
    public IReadOnlyList<double>? PositiveWeights { get; init => field = CheckedWeights(value); }

    /// <inheritdoc/>
    public override bool IsLinear => Threshold is null;

    /// <inheritdoc/>
    public override Tensor PerSample(Tensor logits, Tensor targets)
    {
        using var scope = NewDisposeScope();
        var yes = Targets(logits, targets);
        var classes = Math.Max(logits.size(1), 2);
        if (LabelSmoothing > 0)
            yes = (yes * Held(1 - LabelSmoothing)).Plus(LabelSmoothing / classes);
        if (Threshold is { } threshold)
            yes = yes.gt(Held(threshold)).to(logits.dtype);
        var each = Gamma == 0 && PositiveWeights is null
            ? nn.functional.binary_cross_entropy_with_logits(logits, yes, reduction: nn.Reduction.None)      // (N, K)
            : Weighted(logits, yes);
        if (WeightsOf(ClassWeights, logits) is { } weights)
            each = each * weights;
        return (SumClasses ? each.sum(1) : each.mean([1])).MoveToOuterDisposeScope();
    }

    private Tensor Weighted(Tensor logits, Tensor yes)
    {
        var (log, logNot) = (nn.functional.logsigmoid(logits), nn.functional.logsigmoid(-logits));
        var (positive, negative) = (yes * log, OneMinus(yes) * logNot);
        if (WeightsOf(PositiveWeights, logits) is { } weights)
            positive = positive * weights;
        if (Gamma > 0)
            (positive, negative) = (positive * logNot.exp().pow(Held(Gamma)), negative * log.exp().pow(Held(Gamma)));
        return -positive.Plus(negative);
    }

    private static Tensor Targets(Tensor logits, Tensor targets)
    {
        if (logits.dim() == 2 && logits.size(1) == 1 && targets.numel() == logits.size(0))
            return targets.reshape(-1, 1).to(logits.dtype);
        if (AreIds(logits, targets))
            return nn.functional.one_hot(targets, logits.size(1)).to(logits.dtype);
        return AreDistributions(logits, targets) ? targets : throw Misfit(logits, targets, ", or logits (N, 1) with targets (N)");
    }
}
