using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Regularization;

/// <summary>
/// Random erasing (Zhong et al., "Random Erasing Data Augmentation", AAAI 2020, arXiv 1708.04896): with probability p, fills a box of
/// random area and aspect ratio anywhere inside the image; labels do not change.
/// </summary>
public sealed record RandomErasing : Eraser
{
    private const int Tries = 100;

    /// <inheritdoc/>
    public override double Probability
    {
        get;
        init => field = value is >= 0 and <= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"probability must lie in [0, 1]. Received: {value}."));
    } = 0.5;

    /// <summary>
    /// Smallest and largest area as shares of the image's area. Range: 0 &lt; least ≤ most ≤ 1. Default 0.02 to 0.4, as in the paper; timm
    /// and torchvision use at most 1/3.
    /// </summary>
    public ShareRange Area
    {
        get;
        init => field = value is { Least: > 0, Most: <= 1 } && value.Least <= value.Most ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"area must be 0 < least ≤ most ≤ 1. Received: {value}."));
    } = (0.02, 0.4);

    /// <summary>Smallest ratio of height to width; the largest is its inverse. Range (0, 1]. Default 0.3.</summary>
    public double Ratio
    {
        get;
        init => field = value is > 0 and <= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"ratio must lie in (0, 1]. Received: ratio = {value}."));
    } = 0.3;

    /// <summary>
    /// Distribution of the ratio. Default <see cref="RatioLaw.Uniform"/>, as in the authors' code: three out of four boxes are tall.
    /// </summary>
    public RatioLaw RatioLaw { get; init; } = RatioLaw.Uniform;

    /// <summary>
    /// Content of the box. Default <see cref="Fill.Mean"/>. Differs from the authors' code, which writes the mean colour into normalized
    /// images, whose mean is 0.
    /// </summary>
    public Fill Fill { get; init; } = Fill.Mean;

    /// <inheritdoc/>
    public override string Id => "randomerasing";

    // A box as tall or as wide as the image is drawn again; after a hundred tries the image is left unchanged.
    /// <inheritdoc/>
    protected override Region Draw(int height, int width, Draws draws)
    {
        for (var i = 0; i < Tries; i++)
        {
            if (Sides(height, width, draws) is not { } sides)
                continue;
            var (top, left) = (draws.Integer(height - sides.Height + 1), draws.Integer(width - sides.Width + 1));
            return new FillRegion([new Box(top, left, top + sides.Height, left + sides.Width)], Fill, Fill == Fill.Noise
                ? draws.NextUInt64() : 0);
        }
        return BoxRegion.Empty;
    }

    /// <summary>Draws the sides of a box; null when it is as tall or as wide as the image.</summary>
    internal (int Height, int Width)? Sides(int height, int width, Draws draws)
    {
        var area = draws.Uniform(Area.Least, Area.Most) * height * width;
        var ratio = RatioLaw == RatioLaw.Uniform ? draws.Uniform(Ratio, 1 / Ratio)
            : Math.Exp(draws.Uniform(Math.Log(Ratio), -Math.Log(Ratio)));
        var (h, w) = ((int)Math.Round(Math.Sqrt(area * ratio)), (int)Math.Round(Math.Sqrt(area / ratio)));
        return h >= height || w >= width ? null : (h, w);
    }
}

/// <summary>Distribution of the ratio of height to width.</summary>
public enum RatioLaw
{
    /// <summary>Uniform on [r, 1/r] (the authors' code): 77 % of the draws are tall for r = 0.3.</summary>
    Uniform,

    /// <summary>Log-uniform on [r, 1/r] (timm, torchvision): tall and wide boxes are equally likely.</summary>
    LogUniform,
}
