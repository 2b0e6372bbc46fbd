using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Regularization;

/// <summary>
/// Cutout (DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", arXiv 1708.04552): fills
/// squares with the mean colour. Their centre is anywhere in the image, they are clipped at its border, and labels do not change.
/// </summary>
public sealed record Cutout : Eraser
{
    /// <summary>
    /// Side of the square in pixels. Half of it, truncated, extends to both sides of the centre, so an odd side loses one pixel. Null: half
    /// of the image's shorter side. Range: at least 0. Default null: 16 at 32 px, as for CIFAR-10 and in the CutMix paper, 112 at 224 px.
    /// </summary>
    public int? Length
    {
        get;
        init => field = value is null or >= 0 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"length must be 0 or more. Received: length = {value}.");
    }

    /// <summary>Number of squares per image. Range: at least 1. Default 1.</summary>
    public int Holes
    {
        get;
        init => field = value >= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"holes must be 1 or more. Received: holes = {value}.");
    } = 1;

    /// <summary>
    /// Whether a square may also be centred outside the image, so that every pixel is erased equally often (Composer's
    /// <c>uniform_sampling</c>); otherwise the border is erased less often than the middle. Default false, as in the authors' code.
    /// </summary>
    public bool EvenCoverage { get; init; }

    /// <inheritdoc/>
    public override double Probability
    {
        get;
        init => field = value is >= 0 and <= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"probability must lie in [0, 1]. Received: {value}."));
    } = 1;

    /// <inheritdoc/>
    public override string Id => "cutout";

    /// <inheritdoc/>
    protected override Region Draw(int height, int width, Draws draws)
    {
        var length = Length ?? Math.Min(height, width) / 2;
        int Centre(int side)
        {
            var (first, end) = Centres(side, length);
            return first + draws.Integer(end - first);
        }
        return new FillRegion([.. Enumerable.Range(0, Holes).Select(_ => Hole(Centre(height), Centre(width), length / 2, height, width))],
            Fill.Mean);
    }

    /// <summary>
    /// The first position along a side of the image where a square of this length may be centred, and the position after the last.
    /// </summary>
    internal (int First, int End) Centres(int side, int length) => EvenCoverage ? (-((length + 1) / 2), side + length / 2) : (0, side);

    /// <summary>Returns a square around a centre, clipped; empty when it is completely outside the image.</summary>
    internal static Box Hole(int row, int column, int half, int height, int width)
    {
        var box = new Box(Math.Max(row - half, 0), Math.Max(column - half, 0), Math.Min(row + half, height),
            Math.Min(column + half, width));
        return box.FitsIn(height, width) ? box : Box.Empty;
    }
}
