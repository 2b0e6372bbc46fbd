using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// A score of how much an image resembles the training images; a higher score means more. It is computed in double precision, so that
/// saturated scores still differ.
/// </summary>
public abstract record OutScore
{
    private protected OutScore() { }

    /// <summary>Name in result files.</summary>
    public abstract string Id { get; }

    /// <summary>Computes the scores (N), float64, of pixels (N, C, H, W) in [0, 1]; the caller owns the result.</summary>
    /// <param name="model">The network.</param>
    /// <param name="pixels">Pixels in [0, 1].</param>
    /// <param name="logits">The network's logits (N, K) for them.</param>
    public abstract Tensor Of(PixelModel model, Tensor pixels, Tensor logits);

    /// <summary>The scores that are measured: <see cref="MaxSoftmax"/>, <see cref="Energy"/>, <see cref="Odin"/>.</summary>
    public static IReadOnlyList<OutScore> All { get; } = [new MaxSoftmax(), new Energy(), new Odin()];

    private protected static double Positive(double value, string name) => value > 0 && double.IsFinite(value) ? value
        : throw new ArgumentOutOfRangeException(nameof(value),
            FormattableString.Invariant($"{name} must be positive. Received: {name} = {value}."));

    private protected static Tensor LargestSoftmax(Tensor logits, double temperature)
    {
        using var scope = NewDisposeScope();
        return (logits.detach().to(ScalarType.Float64) / Held(temperature)).softmax(1).amax([1L]).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// The largest softmax value (Hendrycks and Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples", ICLR 2017).
/// </summary>
public sealed record MaxSoftmax : OutScore
{
    /// <inheritdoc/>
    public override string Id => "msp";

    /// <inheritdoc/>
    public override Tensor Of(PixelModel model, Tensor pixels, Tensor logits) => LargestSoftmax(logits, 1);
}

/// <summary>
/// The negative free energy, T·log Σ exp(z/T) (Liu et al., "Energy-based Out-of-distribution Detection", NeurIPS 2020).
/// </summary>
public sealed record Energy : OutScore
{
    /// <summary>T. Range: positive. Default 1, as in the paper.</summary>
    public double Temperature { get; init => field = Positive(value, "temperature"); } = 1;

    /// <inheritdoc/>
    public override string Id => "energy";

    /// <inheritdoc/>
    public override Tensor Of(PixelModel model, Tensor pixels, Tensor logits)
    {
        using var scope = NewDisposeScope();
        return ((logits.detach().to(ScalarType.Float64) / Held(Temperature)).logsumexp(1) * Held(Temperature)).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// ODIN (Liang et al., ICLR 2018): the image is moved a small step towards its predicted class, x - ε·sign(∇CE(z/T, argmax z)), and the
/// score is the largest softmax value at temperature T. A gradient of 0 counts as positive, as in the public code.
/// </summary>
public sealed record Odin : OutScore
{
    /// <summary>T. Range: positive. Default 1000, as in the paper.</summary>
    public double Temperature { get; init => field = Positive(value, "temperature"); } = 1000;

    /// <summary>ε, for pixels in [0, 1]. Range: positive. Default 0.0014, as in the paper for most pairs of sets.</summary>
    public double Epsilon { get; init => field = Positive(value, "epsilon"); } = 0.0014;

    /// <inheritdoc/>
    public override string Id => "odin";

    /// <inheritdoc/>
    public override Tensor Of(PixelModel model, Tensor pixels, Tensor logits)
    {
        using var scope = NewDisposeScope();
        var taken = logits.detach().argmax(1);
        var gradient = model.Gradient(pixels, moved =>
            nn.functional.cross_entropy(moved / Held(Temperature), taken, reduction: nn.Reduction.Sum));
        var sign = (gradient.ge(Zero).to(pixels.dtype) * Held(2)).Plus(-1);
        using var noGradient = no_grad();
        // Not clipped to [0, 1], as in the public code.
        return LargestSoftmax(model.Logits(pixels - sign * Held(Epsilon)), Temperature).MoveToOuterDisposeScope();
    }
}
