using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Losses;

/// <summary>Cross entropy of softmax(logits) with class ids or distributions, <c>-Σ w_k·y_k·log softmax(z)_k</c>.</summary>
public sealed record CrossEntropy : Loss
{
    /// <summary>
    /// ε of label smoothing: targets become (1-ε)·y + ε/K. Range [0, 1). Default 0. Give it here or to the targets, not to both.
    /// </summary>
    public double LabelSmoothing { get; init => field = CheckedSmoothing(value); }

    /// <summary>Weight of each class, (K); null: all alike. Range: 0 or more.</summary>
    public IReadOnlyList<double>? ClassWeights
    {
        get;
        init => field = CheckedWeights(value);
    }

    /// <summary>
    /// Divide the mean by the sum of the weights of the samples' classes, as torch does for class ids (and not for distributions). Then
    /// mixing two losses is no longer the loss of the mixed target; false divides by N. Default true.
    /// </summary>
    public bool DivideByWeights { get; init; } = true;

    /// <summary>A class id that counts nothing, as loss and in the mean; null: none. Default null.</summary>
    public long? IgnoreIndex { get; init; }

    /// <inheritdoc/>
    /// <remarks>Two means over different weights do not mix to one mean, and an ignored class counts in a mixed target.</remarks>
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
