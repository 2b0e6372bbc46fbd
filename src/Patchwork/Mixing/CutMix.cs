using Patchwork.Data;
using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>
/// CutMix (Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV 2019, arXiv
/// 1905.04899):
/// λ ~ Beta(α, α), a box of area 1-λ is pasted from a partner, and the label is mixed by the pixels that were really kept:
/// <c>x = M⊙x_a + (1-M)⊙x_b</c>, <c>y = λ'·y_a + (1-λ')·y_b</c>, λ' = 1 - box/image.
/// </summary>
public sealed partial record CutMix : BlindMixer
{
    /// <summary>Where the box may lie. Default <see cref="Placement.Clipped"/>, the authors' code.</summary>
    public Placement Placement { get; init; } = Placement.Clipped;

    /// <summary>How sides become pixels. Default <see cref="Rounding.Truncated"/>, the authors' code.</summary>
    public Rounding Rounding { get; init; } = Rounding.Truncated;

    /// <summary>λ ← max(λ, 1-λ): the image keeps the larger part. Default false. Mean λ' with clipping at 32 px: 0.8336.</summary>
    public bool Fold { get; init; }

    /// <summary>
    /// Clipped placement: share of the box kept away from the border, so that less is clipped (timm). Range [0, 0.5]. Default 0.
    /// </summary>
    public double Margin
    {
        get;
        init => field = value is >= 0 and <= 0.5 ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"margin must lie in [0, 0.5]. Received: margin = {value}."));
    }

    /// <summary>
    /// Min-max placement: shortest and longest side as shares of the image's. Range: 0 ≤ least ≤ most ≤ 1. Default 0.2 to 0.8.
    /// </summary>
    public ShareRange SideRange
    {
        get;
        init => field = value is { Least: >= 0, Most: <= 1 } && value.Least <= value.Most ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"side range must be 0 ≤ least ≤ most ≤ 1. Received: {value}."));
    } = (0.2, 0.8);

    /// <summary>A λ that is not drawn (paper, table 8: fixed size, 0.75). Range [0, 1]; null draws. Default null.</summary>
    public double? FixedLambda
    {
        get;
        init => field = value is null or (>= 0 and <= 1) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"fixed λ must lie in [0, 1]. Received: {value}."));
    }

    /// <summary>Law of the box's centre, with <see cref="Placement.Clipped"/>. Default <see cref="Centre.Uniform"/>.</summary>
    public Centre Centre { get; init; } = Centre.Uniform;

    /// <summary>Deviation of a Gaussian centre as a share of the side; the paper does not give it. Range: positive. Default 0.25.</summary>
    public double CentreDeviation
    {
        get;
        init => field = value > 0 && double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"centre deviation must be positive. Received: {value}."));
    } = 0.25;

    /// <summary>Weight of the image's own label. Default <see cref="LabelWeight.Measured"/>.</summary>
    public LabelWeight LabelWeight { get; init; } = LabelWeight.Measured;

    /// <summary>Draw α itself, uniformly from (0, <see cref="BetaMixer.Alpha"/>], once a batch (Keras). Default false.</summary>
    public bool DrawAlpha { get; init; }

    /// <inheritdoc/>
    public override string Id => "cutmix";

    /// <inheritdoc/>
    public override bool PlansBoxes => true;

    /// <inheritdoc/>
    public override bool LabelsByArea => LabelWeight == LabelWeight.Measured;

    /// <inheritdoc/>
    public override bool NeedsMasks => LabelWeight == LabelWeight.Object;

    /// <inheritdoc/>
    public override string? Contradiction => Rounding == Rounding.Corners && Placement is not (Placement.Inside or Placement.MinMax)
        ? $"Real corners are for boxes inside the image. Received: placement {Placement}. Use placement inside." : base.Contradiction;

    /// <inheritdoc/>
    protected override IReadOnlyList<string> LawFacts =>
    [
        FixedLambda is { } fixedLambda ? FormattableString.Invariant($"λ {fixedLambda} is not drawn")
            : Placement == Placement.MinMax
                ? FormattableString.Invariant($"sides {SideRange.Least} to {SideRange.Most} of the image's, no λ drawn")
            : FormattableString.Invariant($"α {(DrawAlpha ? "drawn below " : "")}{Alpha}"),
        LabelWeight switch
        {
            LabelWeight.Measured => "λ counted in pixels",
            LabelWeight.Drawn => "λ as drawn, not counted in pixels",
            _ => $"labels {LabelWeight.ToString().ToLowerInvariant()}",
        },
    ];

    /// <inheritdoc/>
    protected override double AlphaOf(Draws draws) => DrawAlpha ? Alpha * (1 - draws.Uniform()) : Alpha;

    /// <inheritdoc/>
    protected override DrawnRegion Draw(MixContext context, double alpha, Draws draws)
    {
        var (drawn, box) = BoxSampler.Draw(this, alpha, context.Height, context.Width, draws);
        var region = new BoxRegion(box);
        var measured = region.KeptShare(context.Height, context.Width);      // λ' is measured, never assumed
        return new DrawnRegion(region, drawn, LabelWeight switch
        {
            LabelWeight.Measured => measured,
            LabelWeight.Drawn => drawn,
            LabelWeight.OneHot => measured >= 0.5 ? 1 : 0,
            LabelWeight.Complete => measured < 1 ? 0.5 : 1,
            _ => measured,
        });
    }

    /// <inheritdoc/>
    protected override ImagePlan Labeled(ImagePlan plan, int row, MixContext context)
    {
        if (LabelWeight != LabelWeight.Object || plan.Region is not BoxRegion { Box: { IsEmpty: false } box } || plan.Partner == row)
            return plan;
        var own = 1 - Inside(row);
        var partner = Inside(plan.Partner);
        // both hidden: only the areas are left to go by
        return own + partner > 0 ? plan with { Lambda = own / (own + partner) } : plan;

        // The share of an image's object that lies in the box.
        double Inside(int image)
        {
            var mask = context.ObjectMask?.Invoke(image)
                ?? throw new InputException("Labels by objects need the pixels of every object. Received: images without "
                + "object masks, or under a resized crop, which masks do not follow. Choose another labelWeight, or a set with masks, "
                + $"as {DatasetCatalogue.Either(set => set.HasMasks)}.");
            var (all, inside) = (0, 0);
            for (var pixel = 0; pixel < mask.Length; pixel++)
            {
                if (mask[pixel] == 0)
                    continue;
                all++;
                inside += box.Contains(pixel / context.Width, pixel % context.Width) ? 1 : 0;
            }
            return all > 0 ? (double)inside / all : box.Area / ((double)context.Height * context.Width);
        }
    }
}

/// <summary>Law of the centre of a clipped box.</summary>
public enum Centre
{
    /// <summary>Anywhere on the image, equally likely.</summary>
    Uniform,

    /// <summary>Normal around the image's centre: the paper's ablation "Center Gaussian CutMix".</summary>
    Gaussian,
}

/// <summary>What the image's own label weighs; the partner's gets the rest.</summary>
public enum LabelWeight
{
    /// <summary>The share of pixels that were really kept.</summary>
    Measured,

    /// <summary>λ as drawn, before rounding and clipping: what "correction off" means in timm.</summary>
    Drawn,

    /// <summary>1 for the label of the larger area, 0 for the other: the paper's ablation "One-hot CutMix".</summary>
    OneHot,

    /// <summary>Half and half, whatever the areas: the paper's ablation "Complete-label CutMix".</summary>
    Complete,

    /// <summary>
    /// By how much of each object shows: v_a/(v_a + v_b), v_a the share of the image's own object outside the box, v_b that of the
    /// partner's inside it. Needs masks of the objects.
    /// </summary>
    Object,
}
