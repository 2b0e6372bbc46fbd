using Patchwork.Imaging;
using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>
/// Where CutMix places a box whose drawn area is the share 1-λ of the image. "CutMix with α = 1" has a different strength with each
/// placement.
/// </summary>
public enum Placement
{
    /// <summary>
    /// As in the authors' code: the centre is anywhere in the image, the box extends half a side in each direction, and is clipped at the
    /// border. Mean replaced area at α = 1: 0.2993 at 32 px.
    /// </summary>
    Clipped,

    /// <summary>The box is fully inside the image; odd sides are possible. Mean replaced area at α = 1: 0.479 at 32 px.</summary>
    Inside,

    /// <summary>
    /// The centre may also be outside the image, so that every pixel is equally likely to be replaced (Composer). Mean replaced area at
    /// α = 1: 0.1475 at 32 px.
    /// </summary>
    EvenCoverage,

    /// <summary>
    /// Height and width are drawn independently from <see cref="CutMix.SideRange"/>, the box is fully inside, and no λ is drawn (timm).
    /// </summary>
    MinMax,
}

/// <summary>How the sides √(1-λ) of a box are rounded to pixels.</summary>
public enum Rounding
{
    /// <summary>int(side·√(1-λ)), halved by integer division, as in the authors' code, timm and Composer.</summary>
    Truncated,

    /// <summary>Half the side is int(½·side·√(1-λ)), as in torchvision.</summary>
    TruncatedHalf,

    /// <summary>Rounded to nearest, ties to even, in single precision, then halved by integer division, as in fastai.</summary>
    Nearest,

    /// <summary>
    /// Real-valued corners in single precision, only for boxes inside the image; a pixel is replaced when its index lies between them, as
    /// in Keras.
    /// </summary>
    Corners,
}

/// <summary>Computes the boxes of the placements as pure functions of the drawn values.</summary>
public static class BoxPlacement
{
    /// <summary>
    /// The box around a centre, clipped at the border: for <see cref="Placement.Clipped"/> and <see cref="Placement.EvenCoverage"/>, whose
    /// centres may also be outside the image.
    /// </summary>
    // Differs from the paper: Algorithm A1 draws a real centre and rounds the clipped corners; the authors' code truncates sides and halves
    // by integer division, so the box is always an even number of pixels wide before clipping.
    public static Box Around(Rounding rounding, int height, int width, double lambda, int row, int column)
    {
        var (halfHeight, halfWidth) = (Half(rounding, height, lambda), Half(rounding, width, lambda));
        return new Box(
            Math.Clamp(row - halfHeight, 0, height), Math.Clamp(column - halfWidth, 0, width),
            Math.Clamp(row + halfHeight, 0, height), Math.Clamp(column + halfWidth, 0, width));
    }

    /// <summary>The box fully inside the image with its top left corner at (<paramref name="top"/>, <paramref name="left"/>).</summary>
    public static Box Inside(Rounding rounding, int height, int width, double lambda, int top, int left) =>
        new(top, left, top + Side(rounding, height, lambda), left + Side(rounding, width, lambda));

    /// <summary>
    /// The box of Keras: its top left corner is at the shares <paramref name="down"/> and <paramref name="across"/>, in [0, 1), of the
    /// space that the box leaves, and corners are real-valued.
    /// </summary>
    public static Box Corners(int height, int width, double lambda, float down, float across)
    {
        var share = MathF.Sqrt(1 - (float)lambda);
        (int, int) Covered(int side, float place)
        {
            var cut = side * share;
            var first = place * (side - cut);
            return ((int)MathF.Ceiling(first), Math.Min((int)MathF.Ceiling(first + cut), side));
        }
        var ((top, bottom), (left, right)) = (Covered(height, down), Covered(width, across));
        return top < bottom && left < right ? new Box(top, left, bottom, right) : Box.Empty;
    }

    /// <summary>The length in pixels of a box's side whose drawn length is √(1-λ).</summary>
    // Paper, section 3.1: r_w = W·sqrt(1-λ), r_h = H·sqrt(1-λ).
    internal static int Side(Rounding rounding, int side, double lambda) => rounding switch
    {
        Rounding.Truncated => (int)(side * Math.Sqrt(1 - lambda)),
        Rounding.TruncatedHalf => 2 * Half(rounding, side, lambda),
        Rounding.Nearest => (int)MathF.Round(side * MathF.Sqrt(1 - (float)lambda), MidpointRounding.ToEven),
        _ => throw new ArgumentException("Rounding.Corners does not round sides to pixels. Use Placement.Inside with it."),
    };

    private static int Half(Rounding rounding, int side, double lambda) =>
        rounding == Rounding.TruncatedHalf ? (int)(0.5 * Math.Sqrt(1 - lambda) * side) : Side(rounding, side, lambda) / 2;
}
