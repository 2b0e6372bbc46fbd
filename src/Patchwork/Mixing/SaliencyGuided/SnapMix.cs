using Patchwork.Plans;
using Patchwork.Saliency;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// SnapMix (Huang et al., "SnapMix: Semantically Proportional Mixing for Augmenting Fine-grained Data", AAAI 2021, arXiv 2012.04846): a box
/// of the partner is resized and replaces a box of the image. Each label is weighed by how much of its class is visible:
/// <c>ρ_a = 1 - S_a(box_a)</c>, <c>ρ_b = S_b(box_b)</c>, where S is the class activation map of the image's true class, normalized to sum
/// to 1. ρ_a + ρ_b need not be 1.
/// </summary>
public sealed record SnapMix : BetaMixer
{
    /// <summary>Creates SnapMix with α = 5, the default of the authors' code.</summary>
    public SnapMix() => Alpha = 5;

    /// <summary>The label weights of two images of the same class. Default <see cref="SameClass.Whole"/>.</summary>
    public SameClass SameClass { get; init; } = SameClass.Whole;

    /// <inheritdoc/>
    public override string Id => "snapmix";

    /// <inheritdoc/>
    public override Needs Needs => Needs.Model;

    /// <inheritdoc/>
    public override NetworkNeed NetworkNeed => NetworkNeed.FeatureMaps;      // class activation maps

    /// <inheritdoc/>
    public override bool LabelsByArea => false;

    /// <inheritdoc/>
    public override MixPlan Plan(MixContext context)
    {
        using var scope = NewDisposeScope();
        var (images, classes, model) = context.Network(Id);
        var (partners, drawn) = Dice.Throw(this, context, _ => Alpha, alpha => Draw(context, alpha));
        var ids = classes.cpu().contiguous().data<long>().ToArray();
        // No maps are needed when nothing is mixed.
        var maps = drawn.All(one => one is null) ? null
            : new ClassMaps(ClassActivation.Of(model, images, classes), context.Height, context.Width);
        return new MixPlan(Id, context.Height, context.Width, [.. partners.Select(Mixed)], context.Draws.Id);

        ImagePlan Mixed(int partner, int i)
        {
            // a box of the image pasted into itself would change its label weight, and there is no second label
            if (drawn[i] is not { } boxes || partner == i)
                return Dice.Unmixed(i);
            if (boxes.Own.IsEmpty || boxes.Partner.IsEmpty)
                return new ImagePlan(partner, BoxRegion.Empty, boxes.Lambda, 1);
            var (own, other) = Weights(maps!, i, partner, boxes, ids[i] == ids[partner]);
            return new ImagePlan(partner, new ResizedRegion(boxes.Own, boxes.Partner, Interpolation.Bilinear), boxes.Lambda,
                own)
            { PartnerWeight = other };
        }
    }

    // Draws two λ, then two boxes, as in CutMix.
    private static Drawn Draw(MixContext context, double alpha)
    {
        var draws = context.Draws;
        var (own, partner) = (draws.Beta(alpha, alpha), draws.Beta(alpha, alpha));
        Box Around(double lambda) =>
            BoxPlacement.Around(Rounding.Truncated, context.Height, context.Width, lambda, draws.Integer(context.Height),
                draws.Integer(context.Width));
        return new Drawn(own, Around(own), Around(partner));
    }

    // Where a map is constant, areas determine the weights.
    private (double Own, double Partner) Weights(ClassMaps maps, int row, int partner, Drawn boxes, bool sameClass)
    {
        var replaced = 1 - new BoxRegion(boxes.Own).KeptShare(maps.Height, maps.Width);
        var (own, other) = (1 - (maps.Share(row, boxes.Own) ?? replaced), maps.Share(partner, boxes.Partner) ?? replaced);
        var sum = own + other;
        return (sameClass, SameClass) switch
        {
            (true, SameClass.Whole) => sum > 0 ? (own / sum, 1 - own / sum) : (1, 0),
            (true, SameClass.Doubled) => (sum, sum),
            _ => (own, other),
        };
    }

    private sealed record Drawn(double Lambda, Box Own, Box Partner);

    /// <summary>Class activation maps (N, H, W), with the minimum of each subtracted.</summary>
    private sealed class ClassMaps(Tensor maps, int height, int width)
    {
        private readonly float[] values = (maps - maps.amin([1, 2], keepdim: true)).cpu().contiguous().data<float>().ToArray();

        public int Height => height;

        public int Width => width;

        /// <summary>
        /// The share of a map's sum that is inside a box, 0 to 1; null when the map is constant or not finite, so that shares are
        /// undefined.
        /// </summary>
        public double? Share(int row, Box box)
        {
            var (inside, all) = (0.0, 0.0);
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                {
                    var value = values[(row * height + y) * width + x];
                    all += value;
                    inside += box.Contains(y, x) ? value : 0;
                }
            }
            return all > 0 && double.IsFinite(all) ? Math.Clamp(inside / all, 0, 1) : null;
        }
    }
}

/// <summary>The label weights when SnapMix mixes two images of the same class.</summary>
public enum SameClass
{
    /// <summary>The weights are divided by their sum, so that the class weighs 1 in total.</summary>
    Whole,

    /// <summary>The weights are used as for different classes, so that the class weighs ρ_a + ρ_b, as in the paper's equation.</summary>
    Apart,

    /// <summary>Each of the two labels weighs ρ_a + ρ_b, so that the class is counted twice, as in the authors' code.</summary>
    Doubled,
}
