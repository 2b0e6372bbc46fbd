using Patchwork.Imaging;
using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>
/// ResizeMix (Qin et al., "ResizeMix: Mixing Data with Preserved Object Information and True Labels", arXiv 2012.11101): the whole partner
/// is resized and pasted into a box whose sides are τ times those of the image, τ ~ U(least, most); centre and clipping are as in CutMix,
/// and λ' = 1 - box/image.
/// </summary>
public sealed record ResizeMix : BlindMixer
{
    /// <summary>
    /// Smallest and largest τ, the box's side as a share of the image's. Range: 0 ≤ least ≤ most ≤ 1. Default 0.1 to 0.8, as in the
    /// paper.
    /// </summary>
    public ShareRange SideRange
    {
        get;
        init => field = value is { Least: >= 0, Most: <= 1 } && value.Least <= value.Most ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"side range must be 0 ≤ least ≤ most ≤ 1. Received: {value}."));
    } = (0.1, 0.8);

    /// <summary>
    /// Whether τ is drawn from Beta(α, α), with a uniform draw instead when that is outside the range (OpenMixup's benchmarks). Default
    /// false: τ is uniform and α is not used.
    /// </summary>
    public bool BetaSide { get; init; }

    /// <summary>How the partner is resized. Default <see cref="Interpolation.Nearest"/>, as in the public code.</summary>
    public Interpolation Interpolation { get; init; } = Interpolation.Nearest;

    /// <inheritdoc/>
    public override string Id => "resizemix";

    /// <summary>Always null: λ is not drawn from Beta(α, α) but follows from τ.</summary>
    public override double? LambdaAlpha => null;

    /// <inheritdoc/>
    protected override DrawnRegion Draw(MixContext context, double alpha, Draws draws)
    {
        var (height, width) = (context.Height, context.Width);
        var side = BetaSide ? draws.Beta(alpha, alpha) : -1;
        if (side < SideRange.Least || side > SideRange.Most)
            side = draws.Uniform(SideRange.Least, SideRange.Most);
        var (halfHeight, halfWidth) = ((int)(side * height) / 2, (int)(side * width) / 2);
        var (row, column) = (draws.Integer(height), draws.Integer(width));
        // Differs from OpenMixup, which draws rows from the height and pastes them as columns: ours is also correct for H ≠ W.
        var box = new Box(Math.Max(row - halfHeight, 0), Math.Max(column - halfWidth, 0), Math.Min(row + halfHeight, height),
            Math.Min(column + halfWidth, width));
        var region = new ResizedRegion(box.IsEmpty ? Box.Empty : box, Box.Whole(height, width), Interpolation);
        return new DrawnRegion(region, 1 - side * side, region.KeptShare(height, width));
    }
}
