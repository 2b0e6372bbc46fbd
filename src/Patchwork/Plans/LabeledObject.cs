namespace Patchwork.Plans;

/// <summary>An object in an image: its class, the box around it and, where known, its own pixels.</summary>
/// <param name="Label">Class id.</param>
/// <param name="Box">Box around it, inside the image.</param>
public sealed record LabeledObject(int Label, Box Box)
{
    /// <summary>The object's pixels, H·W bytes row by row, 1 where it shows; null when only the box is known.</summary>
    public byte[]? Mask { get; init; }

    /// <summary>
    /// The objects of a mixed batch: an image keeps what its region leaves of its own, and gains what the region shows of its partner's.
    /// Boxes are drawn around what is left; an object of which less than <paramref name="minVisible"/> of its area is left is dropped.
    /// </summary>
    /// <param name="objects">Objects of each image before mixing, one list a row of the batch.</param>
    /// <param name="plan">The plan that the images are mixed by; of boxes.</param>
    /// <param name="minVisible">Smallest share of an object's area that is worth keeping. Range [0, 1]; what is gone altogether is always
    /// dropped.</param>
    /// <exception cref="ArgumentException">There is not one list an image, or a mask has another size.</exception>
    public static IReadOnlyList<IReadOnlyList<LabeledObject>> Mix(IReadOnlyList<IReadOnlyList<LabeledObject>> objects, MixPlan plan,
        double minVisible)
    {
        if (objects.Count != plan.Images.Count)
            throw new ArgumentException($"There must be a list of objects for each of the {plan.Images.Count} images. "
                + $"Received: {objects.Count} lists.");
        return [.. plan.Images.Select((image, i) =>
        {
            if (image.Region is not BoxRegion { Box: var box })
                throw new InputException($"Objects are followed where boxes of whole pixels are pasted, as by cutmix. Received: "
                    + $"{plan.Method}. Leave the objects out, or choose another method.");
            if (box.IsEmpty || image.Partner == i)
                return objects[i];
            var own = objects[i].Select(one => one.Part(box, inside: false, plan, minVisible));
            var gained = objects[image.Partner].Select(one => one.Part(box, inside: true, plan, minVisible));
            return (IReadOnlyList<LabeledObject>)[.. own.Concat(gained).OfType<LabeledObject>()];
        })];
    }

    private LabeledObject? Part(Box region, bool inside, MixPlan plan, double minVisible)
    {
        var (before, after) = Mask is null ? (Box.Area, WithoutMask(region, inside)) : WithMask(Mask, region, inside, plan);
        return after.Pixels == 0 || after.Pixels < minVisible * before ? null : this with { Box = after.Box, Mask = after.Mask };
    }

    private (long Pixels, Box Box, byte[]? Mask) WithoutMask(Box region, bool inside)
    {
        var common = Box.Intersect(region);
        return inside ? (common.Area, common, null) : (Box.Area - common.Area, Remainder(common), null);
    }

    // A strip cut off from side to side shortens the box; any other hole or notch leaves it as it is.
    private Box Remainder(Box common)
    {
        if (common.IsEmpty)
            return Box;
        var (top, bottom) = common.Width == Box.Width ? Ends(Box.Top, Box.Bottom, common.Top, common.Bottom) : (Box.Top, Box.Bottom);
        var (left, right) = common.Height == Box.Height ? Ends(Box.Left, Box.Right, common.Left, common.Right) : (Box.Left, Box.Right);
        return new Box(top, left, bottom, right);

        static (int, int) Ends(int first, int end, int cutFirst, int cutEnd) =>
            (cutFirst > first ? first : cutEnd, cutEnd < end ? end : cutFirst);
    }

    private static (long Before, (long Pixels, Box Box, byte[]? Mask) After) WithMask(byte[] mask, Box region, bool inside, MixPlan plan)
    {
        if (mask.Length != plan.Height * plan.Width)
            throw new ArgumentException($"A mask must have {plan.Height}×{plan.Width} bytes. Received: {mask.Length}.");
        var left = new byte[mask.Length];
        var (before, pixels, box) = (0L, 0L, new Box(plan.Height, plan.Width, 0, 0));
        for (var y = 0; y < plan.Height; y++)
        {
            for (var x = 0; x < plan.Width; x++)
            {
                if (mask[y * plan.Width + x] == 0)
                    continue;
                before++;
                if (region.Contains(y, x) != inside)
                    continue;
                left[y * plan.Width + x] = 1;
                pixels++;
                box = new Box(Math.Min(box.Top, y), Math.Min(box.Left, x), Math.Max(box.Bottom, y + 1), Math.Max(box.Right, x + 1));
            }
        }
        return (before, (pixels, box, left));
    }
}
