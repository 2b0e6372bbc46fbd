using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>
/// Mixup (Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, arXiv 1710.09412): blends two images and their labels with
/// λ ~ Beta(α, α), <c>x = λ·x_a + (1-λ)·x_b</c>, <c>y = λ·y_a + (1-λ)·y_b</c>.
/// </summary>
public sealed record Mixup : BlindMixer
{
    /// <summary>
    /// Whether λ is folded, λ ← max(λ, 1-λ), so that the image keeps the larger weight (fastai). Default false.
    /// </summary>
    public bool Fold { get; init; }

    /// <inheritdoc/>
    public override string Id => "mixup";

    /// <inheritdoc/>
    protected override DrawnRegion Draw(MixContext context, double alpha, Draws draws)
    {
        var lambda = draws.Beta(alpha, alpha);
        if (Fold)
            lambda = Math.Max(lambda, 1 - lambda);
        return new DrawnRegion(new BlendRegion(lambda), lambda, lambda);
    }
}
