using Patchwork.Plans;
using Patchwork.Saliency;
using TorchSharp;

namespace Patchwork.Mixing;

/// <summary>
/// SaliencyMix (Uddin et al., "SaliencyMix: A Saliency Guided Data Augmentation Strategy for Better Regularization", ICLR 2021, arXiv
/// 2006.01791): CutMix whose box is centred on the most salient pixel of the partner and clipped at the border; λ' = 1 - box/image.
/// Saliency is computed by <see cref="FineGrained"/>.
/// </summary>
public sealed record SaliencyMix : BetaMixer
{
    /// <summary>The image whose saliency places the box. Default <see cref="SalientImage.EachPartner"/>, as defined in the paper.</summary>
    public SalientImage Map { get; init; } = SalientImage.EachPartner;

    /// <inheritdoc/>
    public override string Id => "saliencymix";

    /// <inheritdoc/>
    public override Needs Needs => Needs.Images;

    /// <inheritdoc/>
    public override bool PlansBoxes => true;

    /// <inheritdoc/>
    public override MixPlan Plan(MixContext context)
    {
        var images = context.Pixels(Id);
        var (height, width) = (context.Height, context.Width);
        var (partners, drawn) = Dice.Throw(this, context, _ => Alpha, alpha => new Drawn(context.Draws.Beta(alpha, alpha)));
        var peaks = new Dictionary<int, int>();      // from the row of an image to its most salient pixel
        return new MixPlan(Id, height, width, [.. partners.Select(Mixed)], context.Draws.Id);

        ImagePlan Mixed(int partner, int i)
        {
            if (drawn[i] is not { Lambda: var lambda })
                return Dice.Unmixed(i);
            var peak = Peak(Map == SalientImage.FirstPartner ? partners[0] : partner);
            var region = new BoxRegion(BoxPlacement.Around(Rounding.Truncated, height, width, lambda, peak / width, peak % width));
            return new ImagePlan(partner, region, lambda, region.KeptShare(height, width));
        }

        int Peak(int row)
        {
            if (peaks.TryGetValue(row, out var known))
                return known;
            using var image = images.narrow(0, row, 1);
            var map = FineGrained.Of(image)[0];
            return peaks[row] = Array.IndexOf(map, map.Max());
        }
    }

    private sealed record Drawn(double Lambda);
}

/// <summary>The image whose saliency places the boxes of SaliencyMix.</summary>
public enum SalientImage
{
    /// <summary>Each image's own partner.</summary>
    EachPartner,

    /// <summary>The first image's partner, for the whole batch, as in the authors' code.</summary>
    FirstPartner,
}
