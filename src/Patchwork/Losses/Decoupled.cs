using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Losses;

/// <summary>
/// Decoupled Mixup (Liu et al., "Harnessing Hard Mixed Samples with Decoupled Regularizer", NeurIPS 2023, arXiv 2203.10761), an addition to
/// the cross entropy of mixed images. Softmax makes the two classes a and b of a mixed image compete; the added terms predict each of them
/// as if the other were not a class: <c>w_a·(-log p_a) + w_b·(-log p_b)</c>, where p_a is the softmax over all classes but b, p_b over all
/// but a, and <c>w_i = η·min(1, (λ_i/t)^k)</c>. Images whose two labels are the same class, or of which one weighs 0, have no such
/// terms.
/// </summary>
/// <example><code>
/// using var loss = mixed.Targets!.Loss(logits, new CrossEntropy(), new Decoupled());
/// </code></example>
public sealed record Decoupled
{
    /// <summary>η, weight of the added terms. Range: 0 or more. Default 0.1, as in the paper.</summary>
    public double Weight { get; init => field = Positive(value, "weight", orZero: true); } = 0.1;

    /// <summary>t, the λ from which on a term has its full weight. Range: above 0. Default 1.</summary>
    public double Threshold { get; init => field = Positive(value, "threshold", orZero: false); } = 1;

    /// <summary>k, the power of λ/t below the threshold. Range: 0 or more. Default 1.</summary>
    public double Power { get; init => field = Positive(value, "power", orZero: true); } = 1;

    /// <summary>The weight w of a class with the weight λ in the label.</summary>
    public double WeightOf(double lambda) => lambda > 0 ? Weight * Math.Min(1, Math.Pow(lambda / Threshold, Power)) : 0;

    /// <summary>Checks that the terms can be added to a loss.</summary>
    /// <exception cref="InputException">The loss is not the cross entropy: the terms are made of softmax probabilities.</exception>
    internal static void RequireFit(Loss loss)
    {
        if (loss is BinaryCrossEntropy or Focal)
            throw new InputException($"Decoupled terms need the cross entropy. Received: {loss.GetType().Name}. Omit `Decoupled`, or "
                + "choose the cross entropy.");
    }

    /// <summary>Computes the added terms of each image, (N), which the caller owns.</summary>
    /// <param name="logits">Logits (N, K).</param>
    /// <param name="a">Classes of the images themselves, (N), int64.</param>
    /// <param name="b">Classes of their partners, (N), int64.</param>
    /// <param name="lambdas">Weights of <paramref name="a"/>.</param>
    /// <param name="partners">Weights of <paramref name="b"/>.</param>
    /// <exception cref="ArgumentException">The labels are not class ids.</exception>
    public Tensor Terms(Tensor logits, Tensor a, Tensor b, IReadOnlyList<double> lambdas, IReadOnlyList<double> partners)
    {
        if (a.dim() != 1 || b.dim() != 1 || logits.dim() != 2)
            throw new ArgumentException($"Decoupled mixup needs one class id per image, (N). Received: labels "
                + $"({string.Join(", ", a.shape)}).");
        using var scope = NewDisposeScope();
        using var mixed = tensor([.. lambdas.Zip(partners, (own, other) => own > 0 && other > 0)]);
        var differ = a.ne(b).logical_and(mixed.to(logits.device)).to(logits.dtype);
        return (Term(a, b, lambdas).Plus(Term(b, a, partners)) * differ).MoveToOuterDisposeScope();

        // -log softmax over all classes but one. The logit of the class that is left out has no gradient.
        Tensor Term(Tensor kept, Tensor removed, IReadOnlyList<double> weights)
        {
            var omitted = nn.functional.one_hot(removed, logits.size(1)).to(ScalarType.Bool);
            var others = logits.masked_fill(omitted, Held(double.NegativeInfinity));
            // Where both are the same class, no logit would be left of it; the row does not count.
            var loss = others.logsumexp(1) - logits.gather(1, kept.unsqueeze(1)).squeeze(1);
            return loss * tensor([.. weights.Select(WeightOf)]).to(logits.dtype, logits.device);
        }
    }

    private static double Positive(double value, string name, bool orZero) =>
        double.IsFinite(value) && (value > 0 || orZero && value == 0) ? value
        : throw new ArgumentOutOfRangeException(nameof(value),
            FormattableString.Invariant($"{name} must be {(orZero ? "0 or more" : "positive")}. Received: {name} = {value}."));
}
