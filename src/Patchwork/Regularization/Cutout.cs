using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Regularization;

/// <summary>
/// Cutout (DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", arXiv 1708.04552): squares of the mean colour,
/// centre anywhere on the image, clipped at its border; labels unchanged.
/// </summary>
public sealed record Cutout : Eraser
{
    /// <summary>
    /// Side of the square in pixels; its half, cut off, reaches to both sides of the centre, so an odd side loses a pixel. Null: half of the image's shorter
    /// side. Range: at least 0. Default null: 16 at 32 px, as for CIFAR-10 and in the CutMix paper, 112 at 224 px.
    /// </summary>
    public int? Length
    {
        get;
        init => field = value is null or >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), $"length must be 0 or more. Received: length = {value}.");
    }

    /// <summary>Squares an image. Range: at least 1. Default 1.</summary>
    public int Holes
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), $"holes must be 1 or more. Received: holes = {value}.");
    } = 1;

    /// <inheritdoc/>
    public override double Probability
    {
        get;
        init => field = value is >= 0 and <= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), FormattableString.Invariant($"probability must lie in [0, 1]. Received: {value}."));
    } = 1;

    /// <inheritdoc/>
    public override string Id => "cutout";

    private protected override Region Draw(int height, int width, Draws draws)
    {
        var half = (Length ?? Math.Min(height, width) / 2) / 2;
        return new FillRegion([.. Enumerable.Range(0, Holes).Select(_ => Hole(draws.Integer(height), draws.Integer(width), half, height, width))], Fill.Mean);
    }

    /// <summary>A square around a centre, clipped.</summary>
    internal static Box Hole(int row, int column, int half, int height, int width) =>
        new(Math.Max(row - half, 0), Math.Max(column - half, 0), Math.Min(row + half, height), Math.Min(column + half, width));
}
