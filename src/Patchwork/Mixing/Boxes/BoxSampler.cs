using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>Draws λ and the box of CutMix according to its options.</summary>
internal static class BoxSampler
{
    /// <summary>Draws λ (the share that the image keeps, before rounding and clipping) and the box.</summary>
    public static (double Lambda, Box Box) Draw(CutMix options, double alpha, int height, int width, Draws draws)
    {
        if (options.Placement == Placement.MinMax)
        {
            var box = MinMax(options.SideRange, height, width, draws);
            return (new BoxRegion(box).KeptShare(height, width), box);
        }
        var lambda = options.FixedLambda ?? draws.Beta(alpha, alpha);
        if (options.Fold)
            lambda = Math.Max(lambda, 1 - lambda);
        return (lambda, Place(options, height, width, lambda, draws));
    }

    private static Box Place(CutMix options, int height, int width, double lambda, Draws draws)
    {
        if (options.Contradiction is { } contradiction)
            throw new ArgumentException(contradiction);
        if (options.Rounding == Rounding.Corners)
            return BoxPlacement.Corners(height, width, lambda, (float)draws.Uniform(), (float)draws.Uniform());
        var (cutHeight, cutWidth) = (BoxPlacement.Side(options.Rounding, height, lambda),
            BoxPlacement.Side(options.Rounding, width, lambda));
        if (options.Placement == Placement.Inside)
        {
            var (top, left) = (draws.Integer(height - cutHeight + 1), draws.Integer(width - cutWidth + 1));
            return BoxPlacement.Inside(options.Rounding, height, width, lambda, top, left);
        }
        var (row, column) = (CentreOf(options, height, cutHeight, draws), CentreOf(options, width, cutWidth, draws));
        return BoxPlacement.Around(options.Rounding, height, width, lambda, row, column);
    }

    private static int CentreOf(CutMix options, int side, int cut, Draws draws)
    {
        if (options.Placement == Placement.EvenCoverage)
        {
            var before = (cut + 1) / 2;      // Composer: from floor(-cut/2) to side + cut//2, exclusive
            return draws.Integer(before + side + cut / 2) - before;
        }
        if (options.Centre == Centre.Gaussian)
            return (int)Math.Clamp(Math.Floor(side / 2.0 + options.CentreDeviation * side * draws.Normal()), 0, side - 1);
        var margin = (int)(options.Margin * cut);
        return margin + draws.Integer(side - 2 * margin);
    }

    // Differs from timm: the last position where a box fits can be drawn too (huggingface/pytorch-image-models#2739).
    private static Box MinMax(ShareRange range, int height, int width, Draws draws)
    {
        var (cutHeight, cutWidth) = (Side(height), Side(width));
        var (top, left) = (draws.Integer(height - cutHeight + 1), draws.Integer(width - cutWidth + 1));
        return new Box(top, left, top + cutHeight, left + cutWidth);

        int Side(int side)
        {
            var (least, most) = ((int)(side * range.Least), (int)(side * range.Most));
            return least + draws.Integer(Math.Max(most - least, 1));
        }
    }
}
