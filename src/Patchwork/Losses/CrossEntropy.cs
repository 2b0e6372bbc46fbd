using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Losses;

/// <summary>Cross entropy of softmax(logits) with class ids or distributions, <c>-Σ w_k·y_k·log softmax(z)_k</c>.</summary>
public sealed record CrossEntropy : Loss
{
    /// <summary>
    /// ε of label smoothing: targets become (1-ε)·y + ε/K. Range [0, 1). Default 0. Set it here or on the targets, not on both.
    /// </summary>
    public double LabelSmoothing { get; init => field = CheckedSmoothing(value); }

    /// <summary>Weight of each class, (K); null weighs all classes equally. Range: 0 or more.</summary>
    public IReadOnlyList<double>? ClassWeights
    {
        get;
        init => field = CheckedWeights(value);
    }

    /// <summary>
    /// Divide the summed losses by the sum of the weights of the samples' classes, as torch does for class ids (but not for distributions).
    /// Mixing two losses then no longer gives the loss of the mixed target. False divides by N. Default true.
    /// </summary>
    public bool DivideByWeights { get; init; } = true;

    /// <summary>A class id that counts neither in the loss nor in the mean. Null, the default, means none.</summary>
    public long? IgnoreIndex { get; init; }

    /// <inheritdoc/>
    /// <remarks>
    /// Mixing two means with different weights does not give one weighted mean, and an ignored class counts in a mixed target.
    /// </remarks>
    public override bool IsLinear => IgnoreIndex is null && (ClassWeights is null || !DivideByWeights || Reduction != Reduction.Mean);

    /// <inheritdoc/>
    public override Tensor PerSample(Tensor logits, Tensor targets)
    {
        var ids = AreIds(logits, targets);
        if (!ids && !AreDistributions(logits, targets))
            throw Misfit(logits, targets);
        using var weights = WeightsOf(ClassWeights, logits);
        return nn.functional.cross_entropy(logits, targets, weights, ids ? IgnoreIndex ?? -100 : -100, nn.Reduction.None, LabelSmoothing);
    }

    /// <inheritdoc/>
    public override Tensor? MeanWeights(Tensor targets)
    {
        if (targets.dim() != 1 || (IgnoreIndex is null && (ClassWeights is null || !DivideByWeights)))
            return null;
        using var scope = NewDisposeScope();
        var counts = IgnoreIndex is { } ignored ? targets.ne(Held(ignored)) : ones_like(targets, ScalarType.Bool);
        if (ClassWeights is null || !DivideByWeights)
            return counts.to(ScalarType.Float32).MoveToOuterDisposeScope();
        var weights = WeightsOf(ClassWeights, ScalarType.Float32, targets.device, ClassWeights.Count)!;
        return (weights.index_select(0, targets.clamp(Zero, Held(ClassWeights.Count - 1L))) * counts).MoveToOuterDisposeScope();
    }

}
