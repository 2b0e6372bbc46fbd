using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>Where CutMix puts a box whose drawn area is 1-λ of the image. "CutMix with α = 1" is a different strength in each of them.</summary>
public enum Placement
{
    /// <summary>
    /// The authors' code: sides truncated to integers, the centre anywhere on the image, half a side (integer division) to either hand, clipped at the
    /// border. Mean replaced area at α = 1: 0.2993 at 32 px.
    /// </summary>
    Clipped,

    /// <summary>Sides truncated to integers, odd ones allowed, the box fully inside. Mean replaced area at α = 1: 0.479 at 32 px.</summary>
    Inside,
}

/// <summary>The boxes of the placements, as pure functions of what was drawn and as draws.</summary>
public static class BoxPlacement
{
    /// <summary>Draws a box for an image of the given size; λ is the share that is kept.</summary>
    public static Box Draw(Placement placement, int height, int width, double lambda, Draws draws)
    {
        if (placement == Placement.Clipped)
            return Clipped(height, width, lambda, row: draws.Integer(height), column: draws.Integer(width));
        var (cutHeight, cutWidth) = Sides(height, width, lambda);
        return Inside(height, width, lambda, top: draws.Integer(height - cutHeight + 1), left: draws.Integer(width - cutWidth + 1));
    }

    /// <summary>The box of the authors' code around a centre: <c>rand_bbox</c> of clovaai/CutMix-PyTorch, with the axes named rightly.</summary>
    // Differs from the paper: Algorithm A1 draws a real centre and rounds the clipped corners; the code truncates sides and halves by integer division, so
    // the box is always an even number of pixels wide before clipping.
    public static Box Clipped(int height, int width, double lambda, int row, int column)
    {
        var (cutHeight, cutWidth) = Sides(height, width, lambda);
        return new Box(
            Math.Clamp(row - cutHeight / 2, 0, height), Math.Clamp(column - cutWidth / 2, 0, width),
            Math.Clamp(row + cutHeight / 2, 0, height), Math.Clamp(column + cutWidth / 2, 0, width));
    }

    /// <summary>The box that lies fully inside, its upper left corner at (<paramref name="top"/>, <paramref name="left"/>).</summary>
    public static Box Inside(int height, int width, double lambda, int top, int left)
    {
        var (cutHeight, cutWidth) = Sides(height, width, lambda);
        return new Box(top, left, top + cutHeight, left + cutWidth);
    }

    // r = side·sqrt(1-λ), truncated (paper, section 3.1: r_w = W·sqrt(1-λ), r_h = H·sqrt(1-λ)).
    private static (int Height, int Width) Sides(int height, int width, double lambda)
    {
        var share = Math.Sqrt(1 - lambda);
        return ((int)(height * share), (int)(width * share));
    }
}
