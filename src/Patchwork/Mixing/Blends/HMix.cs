using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>
/// HMix (Park, Yun and Chun, "A Unified Analysis of Mixed Sample Data Augmentation: A Loss Function Perspective", NeurIPS 2022, arXiv
/// 2208.09913), a hybrid of Mixup and CutMix: λ ~ Beta(α, α); a box that covers the share r·(1-λ) shows only the partner, and the rest of
/// the image is blended so that the mean of M is λ: M = 0 in the box and λ/(1 - box/image) outside.
/// </summary>
public sealed record HMix : BlindMixer
{
    /// <summary>
    /// r, the share of the partner's weight that is pasted instead of blended: 0 is Mixup, and 1 is CutMix up to rounding and clipping.
    /// Range [0, 1]. Default 0.5, as in the paper's figures.
    /// </summary>
    public double Ratio { get; init => field = Options.Share(value, "ratio"); } = 0.5;

    /// <inheritdoc/>
    public override string Id => "hmix";

    /// <inheritdoc/>
    protected override DrawnRegion Draw(MixContext context, double alpha, Draws draws)
    {
        var (height, width) = (context.Height, context.Width);
        var lambda = draws.Beta(alpha, alpha);
        var box = BoxPlacement.Around(Rounding.Truncated, height, width, 1 - Ratio * (1 - lambda), draws.Integer(height),
            draws.Integer(width));
        var kept = new BoxRegion(box).KeptShare(height, width);
        var weights = new float[height * width];
        // The box covers at most 1-λ of the image, so λ/kept is at most 1. If it covers everything, λ is 0.
        Array.Fill(weights, (float)(kept > 0 ? Math.Min(lambda / kept, 1) : 0));
        for (var y = box.Top; y < box.Bottom; y++)
            weights.AsSpan(y * width + box.Left, box.Width).Clear();
        return new DrawnRegion(new MaskRegion(weights), lambda, lambda);
    }
}
