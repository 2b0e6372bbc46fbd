using Patchwork.Data;
using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>
/// CutMix (Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV 2019, arXiv
/// 1905.04899): λ is drawn from Beta(α, α), a box that covers the share 1-λ of the image is pasted from a partner, and labels are mixed by
/// the share of pixels that were actually kept: <c>x = M⊙x_a + (1-M)⊙x_b</c>, <c>y = λ'·y_a + (1-λ')·y_b</c>, λ' = 1 - box/image.
/// </summary>
public sealed partial record CutMix : BlindMixer
{
    /// <summary>Where the box is placed. Default <see cref="Placement.Clipped"/>, as in the authors' code.</summary>
    public Placement Placement { get; init; } = Placement.Clipped;

    /// <summary>How the box's sides are rounded to pixels. Default <see cref="Rounding.Truncated"/>, as in the authors' code.</summary>
    public Rounding Rounding { get; init; } = Rounding.Truncated;

    /// <summary>
    /// Whether λ is folded, λ ← max(λ, 1-λ), so that the image keeps the larger part. Default false. Mean λ' with clipping at 32 px:
    /// 0.8336.
    /// </summary>
    public bool Fold { get; init; }

    /// <summary>
    /// For clipped placement: minimum distance of the box's centre from the border as a share of the box's side, so that less of the box is
    /// clipped (timm). Range [0, 0.5]. Default 0.
    /// </summary>
    public double Margin
    {
        get;
        init => field = value is >= 0 and <= 0.5 ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"margin must lie in [0, 0.5]. Received: margin = {value}."));
    }

    /// <summary>
    /// For min-max placement: shortest and longest side of the box as shares of the image's sides. Range: 0 ≤ least ≤ most ≤ 1. Default 0.2
    /// to 0.8.
    /// </summary>
    public ShareRange SideRange
    {
        get;
        init => field = value is { Least: >= 0, Most: <= 1 } && value.Least <= value.Most ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"side range must be 0 ≤ least ≤ most ≤ 1. Received: {value}."));
    } = (0.2, 0.8);

    /// <summary>A fixed λ (paper, table 8: fixed size, 0.75). Range [0, 1]; null: λ is drawn. Default null.</summary>
    public double? FixedLambda
    {
        get;
        init => field = value is null or (>= 0 and <= 1) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"fixed λ must lie in [0, 1]. Received: {value}."));
    }

    /// <summary>Distribution of the box's centre with <see cref="Placement.Clipped"/>. Default <see cref="Centre.Uniform"/>.</summary>
    public Centre Centre { get; init; } = Centre.Uniform;

    /// <summary>
    /// Standard deviation of a Gaussian centre as a share of the image's side; the paper does not give a value. Range: positive.
    /// Default 0.25.
    /// </summary>
    public double CentreDeviation
    {
        get;
        init => field = value > 0 && double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"centre deviation must be positive. Received: {value}."));
    } = 0.25;

    /// <summary>Weight of the image's own label. Default <see cref="LabelWeight.Measured"/>.</summary>
    public LabelWeight LabelWeight { get; init; } = LabelWeight.Measured;

    /// <summary>
    /// Whether α itself is drawn uniformly from (0, <see cref="BetaMixer.Alpha"/>], once per batch (Keras). Default false.
    /// </summary>
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
        ? $"Rounding corners needs boxes inside the image. Received: placement {Placement}. Use placement inside." : base.Contradiction;

    /// <inheritdoc/>
    protected override IReadOnlyList<string> LawFacts =>
    [
        FixedLambda is { } fixedLambda ? FormattableString.Invariant($"λ fixed at {fixedLambda}")
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
        var measured = region.KeptShare(context.Height, context.Width);      // λ' is measured because clipping and rounding change the area
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
        // both objects are hidden: use the areas
        return own + partner > 0 ? plan with { Lambda = own / (own + partner) } : plan;

        // The share of an image's object that is inside the box.
        double Inside(int image)
        {
            var mask = context.ObjectMask?.Invoke(image)
                ?? throw new InputException("Weighing labels by objects needs a mask of every object. Received: images without "
                + "object masks, or under a resized crop, which masks do not follow. Choose another `LabelWeight`, or a set with masks: "
                + $"{DatasetCatalogue.Either(set => set.HasMasks)}.");
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

/// <summary>Distribution of the centre of a clipped box.</summary>
public enum Centre
{
    /// <summary>Uniform over all positions in the image.</summary>
    Uniform,

    /// <summary>Normal around the image's centre: the paper's ablation "Center Gaussian CutMix".</summary>
    Gaussian,
}

/// <summary>How the weight of the image's own label is determined; the partner's label gets the rest.</summary>
public enum LabelWeight
{
    /// <summary>The share of pixels that were actually kept.</summary>
    Measured,

    /// <summary>λ as drawn, before rounding and clipping, as in timm with <c>correct_lam</c> off.</summary>
    Drawn,

    /// <summary>1 for the label with the larger area and 0 for the other: the paper's ablation "One-hot CutMix".</summary>
    OneHot,

    /// <summary>½ for each label, whatever the areas: the paper's ablation "Complete-label CutMix".</summary>
    Complete,

    /// <summary>
    /// The visible shares of the objects: v_a/(v_a + v_b), where v_a is the share of the image's own object outside the box and v_b the
    /// share of the partner's object inside it. Needs object masks.
    /// </summary>
    Object,
}
