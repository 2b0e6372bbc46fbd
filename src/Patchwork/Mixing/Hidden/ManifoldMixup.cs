using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>
/// Manifold Mixup (Verma et al., "Manifold Mixup: Better Representations by Interpolating Hidden States", ICML 2019, arXiv 1806.05236):
/// draws one of the layers and one λ ~ Beta(α, α) for each batch and blends the features, <c>h = λ·h_a + (1-λ)·h_b</c>.
/// </summary>
public sealed record ManifoldMixup : FeatureMixer
{
    /// <inheritdoc/>
    /// <remarks>Default 2, as in the authors' code; the CutMix paper used 1.</remarks>
    public override double Alpha { get; init => field = Options.Alpha(value); } = 2;

    /// <inheritdoc/>
    public override string Id => "manifoldmixup";

    /// <summary>The input and the ends of the first two stages, which are the authors' layers 0, 1 and 2.</summary>
    protected override IReadOnlyList<string> LayersAmong(IReadOnlyList<string> stages) => [Input, stages[0], stages[1]];

    /// <inheritdoc/>
    protected override DrawnRegion Draw(MixContext context)
    {
        var lambda = context.Draws.Beta(Alpha, Alpha);
        return new DrawnRegion(new BlendRegion(lambda), lambda, lambda);
    }
}
