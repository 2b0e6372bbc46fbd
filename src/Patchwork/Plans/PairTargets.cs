using Patchwork.Internals;
using Patchwork.Losses;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Plans;

/// <summary>
/// The targets of a mixed batch: for every image, its own label, its partner's label, and the weight λ of its own:
/// <c>y = λ·y_a + (1-λ)·y_b</c> (Yun et al. 2019, eq. 1).
/// </summary>
/// <remarks>Labels are class ids (N), int64, or distributions (N, K), floating-point. This type does not own the tensors and never disposes
/// them.</remarks>
public sealed class PairTargets
{
    /// <summary>Creates targets from pairs of labels and weights.</summary>
    /// <param name="a">Labels of the images themselves, (N) or (N, K).</param>
    /// <param name="b">Labels of the partners, of the same shape.</param>
    /// <param name="lambdas">Weights of <paramref name="a"/>, one per image, 0 to 1.</param>
    /// <param name="partnerWeights">Weights of <paramref name="b"/>; null: 1-λ.</param>
    public PairTargets(Tensor a, Tensor b, IReadOnlyList<double> lambdas, IReadOnlyList<double>? partnerWeights = null)
    {
        if (a.dim() is not (1 or 2) || !a.shape.SequenceEqual(b.shape) || a.size(0) != lambdas.Count)
            throw new ArgumentException($"a and b must be labels of shape (N) or (N, K) with one λ per image. "
                + $"Received: a ({string.Join(", ", a.shape)}), " +
                $"b ({string.Join(", ", b.shape)}), {lambdas.Count} λ.");
        (A, B, Lambdas, PartnerWeights) = (a, b, lambdas, partnerWeights);
    }

    /// <summary>
    /// Creates the targets of a batch mixed by a plan: b contains the labels of the partners, as a new tensor that belongs to the caller's
    /// dispose scope.
    /// </summary>
    public static PairTargets Of(Tensor labels, MixPlan plan)
    {
        using var partners = RowIndex.Of(plan.Partners(), labels.device);
        return new PairTargets(labels, labels.index_select(0, partners), plan.Lambdas(), plan.PartnerWeights());
    }

    /// <summary>Returns the same labels with the weights of several parts, in the order of the rows.</summary>
    internal PairTargets With(IReadOnlyList<PairTargets> parts) => new(A, B, [.. parts.SelectMany(part => part.Lambdas)],
        parts.All(part => part.PartnerWeights is null) ? null
            : [.. parts.SelectMany(part => part.PartnerWeights ?? [.. part.Lambdas.Select(lambda => 1 - lambda)])]);

    /// <summary>Labels of the images themselves.</summary>
    public Tensor A { get; }

    /// <summary>Labels of the partners.</summary>
    public Tensor B { get; }

    /// <summary>Weights of <see cref="A"/>, one per image.</summary>
    public IReadOnlyList<double> Lambdas { get; }

    /// <summary>Weights of <see cref="B"/>, one per image, when the method weighs the two labels separately; null: 1-λ.</summary>
    public IReadOnlyList<double>? PartnerWeights { get; }

    /// <summary>
    /// Returns the targets as distributions (N, K) of the given type, whose rows sum to 1: <c>λ·onehot(a) + (1-λ)·onehot(b)</c>, smoothed
    /// to (1-ε)·y + ε/K. Apply smoothing either here or in the loss, not in both.
    /// </summary>
    public Tensor Soft(int classes, ScalarType type = ScalarType.Float32, double labelSmoothing = 0)
    {
        using var scope = NewDisposeScope();
        var (own, partner) = Weights(type, A.device);
        // (N, 1) · (N, K)
        var soft = (own.unsqueeze(1) * Distribution(A, classes, type)).Plus(partner.unsqueeze(1) * Distribution(B, classes, type));
        return (labelSmoothing == 0 ? soft : (soft * Held(1 - labelSmoothing)).Plus(labelSmoothing / classes)).MoveToOuterDisposeScope();
    }

    /// <summary>Returns 1 for every class with a positive weight and 0 otherwise, (N, K): the classes present in each image.</summary>
    public Tensor MultiHot(int classes, ScalarType type = ScalarType.Float32)
    {
        using var soft = Soft(classes, ScalarType.Float64);
        using var some = soft.gt(Zero);
        return some.to(type);
    }

    /// <summary>Returns targets for a single logit (N, 1) from labels 0 and 1: the weight of class 1, <c>λ·a + (1-λ)·b</c>.</summary>
    /// <exception cref="InvalidOperationException">The labels are distributions.</exception>
    public Tensor Binary(ScalarType type = ScalarType.Float32)
    {
        if (A.dim() != 1)
            throw new InvalidOperationException($"A single logit needs labels (N) of 0 and 1. Received: ({string.Join(", ", A.shape)}).");
        using var scope = NewDisposeScope();
        var (own, partner) = Weights(type, A.device);
        return (own * A.to(type)).Plus(partner * B.to(type)).unsqueeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Computes the mixed loss <c>λ·L(z, a) + (1-λ)·L(z, b)</c>, weighted per image and then reduced as <paramref name="loss"/> reduces:
    /// (N) for <see cref="Reduction.None"/>, a scalar otherwise. For losses that are linear in the target, this equals the loss of
    /// <see cref="Soft"/>.
    /// </summary>
    /// <param name="logits">Logits (N, K).</param>
    /// <param name="loss">The loss of one label.</param>
    /// <param name="decoupled">Terms that are added to the loss of each image; null for none. They need class ids.</param>
    public Tensor Loss(Tensor logits, Loss loss, Decoupled? decoupled = null)
    {
        using var scope = NewDisposeScope();
        var (own, ownWeights) = (loss.PerSample(logits, A), loss.MeanWeights(A));
        if (Lambdas.All(lambda => lambda == 1) && PartnerWeights?.All(weight => weight == 0) != false)
            return loss.Reduce(own, ownWeights).MoveToOuterDisposeScope();
        var (lambdas, partners) = Weights(own.dtype, own.device);
        var mixed = (lambdas * own).Plus(partners * loss.PerSample(logits, B));
        if (decoupled is not null)
            mixed = mixed.Plus(decoupled.Terms(logits, A, B, Lambdas, PartnerWeights ?? [.. Lambdas.Select(lambda => 1 - lambda)]));
        var weights = ownWeights is null ? null : (lambdas * ownWeights).Plus(partners * loss.MeanWeights(B)!);
        return loss.Reduce(mixed, weights).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Sums the weights of the correctly predicted labels over the batch: a prediction of an image's own class counts λ, a prediction of
    /// its partner's class 1-λ. Divide by N for the λ-weighted training accuracy. For targets of 0 and 1, a prediction is correct where its
    /// class has a 1; for other distributions, the class is the largest entry.
    /// </summary>
    public double WeightedHits(Tensor logits)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var predicted = Ranking.Best(logits);
        var (lambdas, partners) = Weights(ScalarType.Float64, logits.device);
        var hits = (lambdas * Hits(A, predicted)).Plus(partners * Hits(B, predicted));
        return hits.sum().ToDouble();
    }

    // λ and the weights of the partners' labels, (N) each.
    private (Tensor Own, Tensor Partner) Weights(ScalarType type, Device device)
    {
        Tensor Of(IReadOnlyList<double> values)
        {
            using var weights = tensor(values as double[] ?? [.. values]);
            return weights.to(type, device, copy: true);
        }
        var own = Of(Lambdas);
        return (own, PartnerWeights is null ? OneMinus(own) : Of(PartnerWeights));
    }

    private static Tensor Hits(Tensor labels, Tensor predicted)
    {
        if (labels.dim() == 1)
            return predicted.eq(labels).to(ScalarType.Float64);
        var areYesNo = labels.eq(Zero).logical_or(labels.eq(One)).all().ToBoolean();
        return areYesNo ? labels.gather(1, predicted.unsqueeze(1)).squeeze(1).to(ScalarType.Float64)
            : predicted.eq(labels.argmax(1)).to(ScalarType.Float64);
    }

    private static Tensor Distribution(Tensor labels, int classes, ScalarType type) =>
        labels.dim() == 2 ? labels.to(type) : nn.functional.one_hot(labels, classes).to(type);
}
