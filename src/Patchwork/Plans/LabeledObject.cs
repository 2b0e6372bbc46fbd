namespace Patchwork.Plans;

/// <summary>An object in an image: its class, its bounding box and, if known, its mask.</summary>
/// <param name="Label">Class id.</param>
/// <param name="Box">The bounding box, inside the image.</param>
public sealed record LabeledObject(int Label, Box Box)
{
    /// <summary>The mask of the object: H·W bytes row by row, 1 where it is visible; null when only the box is known.</summary>
    public byte[]? Mask { get; init; }

    /// <summary>
    /// Returns the objects of a mixed batch: each image keeps the visible parts of its own objects and gains the parts of its partner's
    /// objects inside the region. Boxes are recomputed around what is visible; an object is dropped when less than
    /// <paramref name="minVisible"/> of its area is visible.
    /// </summary>
    /// <param name="objects">Objects of each image before mixing, one list per row of the batch.</param>
    /// <param name="plan">The plan by which the images are mixed; it must consist of boxes.</param>
    /// <param name="minVisible">Minimum visible share of an object's area for it to be kept. Range [0, 1]; objects that are completely
    /// hidden are always dropped.</param>
    /// <exception cref="ArgumentException">The number of lists is not the number of images, or a mask has the wrong size.</exception>
    /// <exception cref="InputException">The plan does not consist of boxes.</exception>
    public static IReadOnlyList<IReadOnlyList<LabeledObject>> Mix(IReadOnlyList<IReadOnlyList<LabeledObject>> objects, MixPlan plan,
        double minVisible)
    {
        if (objects.Count != plan.Images.Count)
            throw new ArgumentException($"There must be a list of objects for each of the {plan.Images.Count} images. "
                + $"Received: {objects.Count} lists.");
        return [.. plan.Images.Select((image, i) =>
        {
            if (image.Region is not BoxRegion { Box: var box })
                throw new InputException($"Objects can only be mixed by methods that paste boxes of whole pixels, such as cutmix. "
                    + $"Received: {plan.Method}. Omit the objects, or choose another method.");
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

    // A region that spans the box from one side to the other shortens it; any other overlap leaves the box unchanged.
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
