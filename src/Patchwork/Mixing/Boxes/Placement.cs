using Patchwork.Imaging;
using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>
/// Where CutMix puts a box whose drawn area is 1-λ of the image. "CutMix with α = 1" is a different strength in each of them.
/// </summary>
public enum Placement
{
    /// <summary>
    /// The authors' code: the centre anywhere on the image, half a side to either hand, clipped at the border. Mean replaced area at α =
    /// 1:
    /// 0.2993 at 32 px.
    /// </summary>
    Clipped,

    /// <summary>The box fully inside, odd sides allowed. Mean replaced area at α = 1: 0.479 at 32 px.</summary>
    Inside,

    /// <summary>
    /// The centre also outside the image, so that every pixel is equally likely to be replaced (Composer). Mean replaced area at α = 1:
    /// 0.1475 at 32 px.
    /// </summary>
    EvenCoverage,

    /// <summary>Height and width drawn apart from <see cref="CutMix.SideRange"/>, fully inside; no λ is drawn (timm).</summary>
    MinMax,
}

/// <summary>How the sides √(1-λ) of a box become pixels.</summary>
public enum Rounding
{
    /// <summary>int(side·√(1-λ)), halved by integer division: the authors' code, timm, Composer.</summary>
    Truncated,

    /// <summary>Half a side is int(½·side·√(1-λ)): torchvision.</summary>
    TruncatedHalf,

    /// <summary>To the nearest, ties to even, in single precision, then halved by integer division: fastai.</summary>
    Nearest,

    /// <summary>Real corners in single precision, inside only; a pixel is replaced when its index lies between them: Keras.</summary>
    Corners,
}

/// <summary>The boxes of the placements as pure functions of what was drawn.</summary>
public static class BoxPlacement
{
    /// <summary>
    /// The box around a centre, clipped: for <see cref="Placement.Clipped"/> and, with centres outside too,
    /// <see cref="Placement.EvenCoverage"/>.
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

    /// <summary>The box that lies fully inside, its upper left corner at (<paramref name="top"/>, <paramref name="left"/>).</summary>
    public static Box Inside(Rounding rounding, int height, int width, double lambda, int top, int left) =>
        new(top, left, top + Side(rounding, height, lambda), left + Side(rounding, width, lambda));

    /// <summary>
    /// Keras' box: real corners at shares <paramref name="down"/> and <paramref name="across"/>, in [0, 1), of the room that the box
    /// leaves.
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

    /// <summary>Pixels of a side of drawn length √(1-λ).</summary>
    // Paper, section 3.1: r_w = W·sqrt(1-λ), r_h = H·sqrt(1-λ).
    internal static int Side(Rounding rounding, int side, double lambda) => rounding switch
    {
        Rounding.Truncated => (int)(side * Math.Sqrt(1 - lambda)),
        Rounding.TruncatedHalf => 2 * Half(rounding, side, lambda),
        Rounding.Nearest => (int)MathF.Round(side * MathF.Sqrt(1 - (float)lambda), MidpointRounding.ToEven),
        _ => throw new ArgumentException("Real corners have no sides in pixels: use Placement.Inside with them."),
    };

    private static int Half(Rounding rounding, int side, double lambda) =>
        rounding == Rounding.TruncatedHalf ? (int)(0.5 * Math.Sqrt(1 - lambda) * side) : Side(rounding, side, lambda) / 2;
}
