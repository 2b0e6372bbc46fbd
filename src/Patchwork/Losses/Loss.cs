using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Losses;

/// <summary>How the losses of the samples are reduced to one value.</summary>
public enum Reduction
{
    /// <summary>No reduction: (N).</summary>
    None,

    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>Their sum.</summary>
    Sum,
}

/// <summary>A loss that is computed per sample, so that mixed targets can weight it before it is reduced.</summary>
public abstract record Loss
{
    /// <summary>How the losses of the samples are reduced to one value. Default <see cref="Reduction.Mean"/>.</summary>
    public Reduction Reduction { get; init; } = Reduction.Mean;

    /// <summary>
    /// True if the loss is linear in the target, so that mixing two losses, <c>λ·L(z, a) + (1-λ)·L(z, b)</c>, gives the loss of the mixed
    /// target.
    /// </summary>
    public virtual bool IsLinear => true;

    /// <summary>The loss of each sample, (N).</summary>
    /// <param name="logits">Logits (N, K).</param>
    /// <param name="targets">Class ids (N), int64, or distributions (N, K).</param>
    public abstract Tensor PerSample(Tensor logits, Tensor targets);

    /// <summary>The weight of each sample in the mean, (N); null if all count the same.</summary>
    public virtual Tensor? MeanWeights(Tensor targets) => null;

    /// <summary>Reduces per-sample losses (N). With weights, the mean is Σ loss / Σ weight, or 0 if no sample has weight.</summary>
    public Tensor Reduce(Tensor perSample, Tensor? meanWeights = null) => Reduction switch
    {
        Reduction.None => perSample,
        Reduction.Sum => perSample.sum(),
        _ => meanWeights is null ? perSample.mean() : perSample.sum() / meanWeights.sum().clamp_min(Held(1e-12)),
    };

    /// <summary>The loss of a batch, reduced.</summary>
    public Tensor Evaluate(Tensor logits, Tensor targets)
    {
        using var scope = NewDisposeScope();
        return Reduce(PerSample(logits, targets), MeanWeights(targets)).MoveToOuterDisposeScope();
    }

    private protected static double CheckedSmoothing(double value) => value is >= 0 and < 1 ? value
        : throw new ArgumentOutOfRangeException(nameof(value),
            FormattableString.Invariant($"label smoothing must lie in [0, 1). Received: label smoothing = {value}."));

    private protected static IReadOnlyList<double>? CheckedWeights(IReadOnlyList<double>? value) =>
        value is null || (value.Count > 0 && value.All(weight => weight >= 0 && double.IsFinite(weight))) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                $"class weights must be 0 or more. Received: {string.Join(", ", value)}.");

    // Class weights (K) as a tensor that the caller owns; null if there are none.
    private protected static Tensor? WeightsOf(IReadOnlyList<double>? weights, Tensor logits) =>
        WeightsOf(weights, logits.dtype, logits.device, logits.size(1));

    private protected static Tensor? WeightsOf(IReadOnlyList<double>? weights, ScalarType type, Device device, long classes)
    {
        if (weights is null)
            return null;
        if (weights.Count != classes)
            throw new ArgumentException($"There must be a weight for each of the {classes} classes. Received: {weights.Count} "
                + "class weights.");
        using var all = tensor([.. weights]);
        return all.to(type, device, copy: true);
    }

    private protected static bool AreIds(Tensor logits, Tensor targets) =>
        logits.dim() == 2 && targets.dim() == 1 && targets.dtype == ScalarType.Int64 && targets.size(0) == logits.size(0);

    private protected static bool AreDistributions(Tensor logits, Tensor targets) =>
        logits.dim() == 2 && logits.shape.SequenceEqual(targets.shape) && targets.dtype == logits.dtype;

    private protected static ArgumentException Misfit(Tensor logits, Tensor targets, string also = "") => new(
        $"logits must be (N, K), targets int64 (N) or (N, K) of the logits' type{also}. " +
        $"Received: logits {logits.dtype} ({string.Join(", ", logits.shape)}), targets {targets.dtype} "
            + $"({string.Join(", ", targets.shape)}).");
}
