using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>
/// GMix (Park, Yun and Chun, "A Unified Analysis of Mixed Sample Data Augmentation: A Loss Function Perspective", NeurIPS 2022, arXiv
/// 2208.09913), a CutMix without edges: λ ~ Beta(α, α), and a Gaussian <c>k(d) = exp(-π·d²/(s·H·W))</c>, s = min(λ, 1-λ), around a
/// uniform centre shows the image that has less weight: M = k for λ below ½ and M = 1-k otherwise. The label weighs λ' = mean(M), because
/// a part of the Gaussian can lie outside the image.
/// </summary>
// Differs from the authors' code: H·W in place of H², so that s is the area of the whole Gaussian for images that are not square too.
public sealed record GMix : BlindMixer
{
    /// <inheritdoc/>
    public override string Id => "gmix";

    /// <inheritdoc/>
    protected override DrawnRegion Draw(MixContext context, double alpha, Draws draws)
    {
        var (height, width) = (context.Height, context.Width);
        var lambda = draws.Beta(alpha, alpha);
        var (row, column) = (draws.Integer(height), draws.Integer(width));
        var area = Math.Min(lambda, 1 - lambda) * height * width;
        var weights = new float[height * width];
        for (var i = 0; i < weights.Length; i++)
        {
            var (dy, dx) = (i / width - row, i % width - column);
            var distance = (double)(dy * dy + dx * dx);
            var shown = distance == 0 ? 1 : Math.Exp(-Math.PI * distance / area);
            weights[i] = (float)(lambda < 0.5 ? shown : 1 - shown);
        }
        var region = new MaskRegion(weights);
        return new DrawnRegion(region, lambda, region.KeptShare(height, width));
    }
}
