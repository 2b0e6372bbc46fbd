using Patchwork.Plans;

namespace Patchwork.Evaluation;

/// <summary>
/// A box of the localization protocol (clovaai/wsolevaluation): its far ends count as inside when boxes are compared, although a contour's
/// far ends are one past its last pixel. Only the protocol mixes the two conventions; all other code uses <c>Plans.Box</c>.
/// </summary>
/// <param name="Left">First column.</param>
/// <param name="Top">First row.</param>
/// <param name="Right">Last column, counted as inside.</param>
/// <param name="Bottom">Last row, counted as inside.</param>
public readonly record struct InclusiveBox(int Left, int Top, int Right, int Bottom)
{
    /// <summary>Converts a half-open box to the protocol's form.</summary>
    public static InclusiveBox Of(Plans.Box box) => new(box.Left, box.Top, box.Right - 1, box.Bottom - 1);

    private long Area => (long)(Right - Left + 1) * (Bottom - Top + 1);

    /// <summary>Intersection over union, ends included: 0 to 1.</summary>
    public double IoU(InclusiveBox other)
    {
        long width = Math.Min(Right, other.Right) - Math.Max(Left, other.Left) + 1, height =
            Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top) + 1;
        if (width <= 0 || height <= 0)
            return 0;
        return (double)(width * height) / (Area + other.Area - width * height);
    }

    /// <summary>
    /// Scales the box with an image that is resized from one size to another, truncated to whole pixels as in the protocol's code.
    /// </summary>
    public InclusiveBox Resized(int height, int width, int newHeight, int newWidth) =>
        new((int)((double)newWidth / width * Left), (int)((double)newHeight / height * Top), (int)((double)newWidth / width * Right),
            (int)((double)newHeight / height * Bottom));

    /// <summary>Returns the same pixels as a half-open box, whose far ends are one past the inclusive ones.</summary>
    public Box ToBox() => new(Top, Left, Bottom + 1, Right + 1);
}
