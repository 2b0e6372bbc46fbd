using Patchwork.Imaging;
using Patchwork.Internals;
using Patchwork.Plans;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// Executes a plan on a batch in place: <c>x = M⊙x_a + (1-M)⊙x_b</c>, where every right-hand side is the value before mixing. Plans that
/// consist of boxes touch only the memory inside the boxes (<see cref="BoxPaste"/>); images that share a region are mixed together.
/// </summary>
internal static class RegionMixing
{
    /// <summary>Mixes images (N, C, H, W) of any type; blends of integer images are rounded to the nearest integer.</summary>
    /// <exception cref="ArgumentException">The shape of the images is not the one that the plan was made for.</exception>
    /// <param name="images">The images.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="earlier">The images of the earlier batch, if the plan has partners there.</param>
    public static void InPlace(Tensor images, MixPlan plan, Tensor? earlier = null)
    {
        if (plan.Earlier != (earlier?.size(0) ?? 0))
            throw new ArgumentException($"A plan with partners in an earlier batch needs its {plan.Earlier} images. Received: "
                + $"{earlier?.size(0) ?? 0}.");
        if (earlier is null && plan.IsOfBoxes)
        {
            BoxPaste.InPlace(images, plan);
            return;
        }
        BoxPaste.Check(images, plan);
        if (!plan.ChangesPixels)
            return;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        if (earlier is null && IsReal(images) && plan.Images.All(image => image.Region is BlendRegion || image.Region.IsEmpty))
        {
            BlendAll(images, plan);
            return;
        }
        var before = earlier is null ? images.clone() : cat([images, earlier]);
        foreach (var group in Enumerable.Range(0, plan.Images.Count).Where(i => Changes(plan, i)).GroupBy(i => plan.Images[i].Region))
        {
            int[] rows = [.. group];
            var index = RowIndex.Of(rows, images.device);
            var partners = RowIndex.Of(rows.Select(i => plan.Images[i].Partner), images.device);
            using var each = NewDisposeScope();
            images.index_copy_(0, index, Mix(before.index_select(0, index), before.index_select(0, partners), group.Key));
        }
    }

    // Blends need no copy of the batch: the partners are read before anything is written, and images that stay unmixed have weight 1.
    private static void BlendAll(Tensor images, MixPlan plan)
    {
        var weights = plan.Images.Select((image, i) => Changes(plan, i) ? ((BlendRegion)image.Region).Weight : 1).ToArray();
        var own = tensor(weights, [weights.Length, 1, 1, 1]).to(images.dtype, images.device);
        var partners = images.index_select(0, RowIndex.Of(plan.Partners(), images.device));
        images.mul_(own).PlusInPlace(partners.mul_(OneMinus(own)));
    }

    private static bool Changes(MixPlan plan, int i) => plan.Images[i].Partner != i && !plan.Images[i].Region.IsEmpty;

    /// <summary>Mixes images (n, C, H, W) that share a region with their partners; the result has the type of the images.</summary>
    private static Tensor Mix(Tensor own, Tensor partner, Region region) => region switch
    {
        BoxRegion { Box: var box } => Pasted(own, partner.narrow(2, box.Top, box.Height).narrow(3, box.Left, box.Width), box),
        ResizedRegion resized => Pasted(own, Resized(partner, resized), resized.Box),
        BlendRegion { Weight: var weight } => Blended(own, partner, tensor(weight)),
        MaskRegion { IsHard: true } mask => where(Mask(mask, own).gt(Held(0.5)), own, partner),
        MaskRegion mask => Blended(own, partner, Mask(mask, own)),
        TransportRegion transport =>
            Blended(Moved(own, transport.Side, transport.Own), Moved(partner, transport.Side, transport.Partner), Mask(transport, own)),
        _ => throw new ArgumentException($"A {region.GetType().Name} contains no pixels of a partner and cannot be mixed."),
    };

    private static Tensor Pasted(Tensor own, Tensor patch, Box box)
    {
        own.narrow(2, box.Top, box.Height).narrow(3, box.Left, box.Width).copy_(patch);
        return own;
    }

    private static Tensor Resized(Tensor partner, ResizedRegion region)
    {
        var part = partner.narrow(2, region.Source.Top, region.Source.Height).narrow(3, region.Source.Left, region.Source.Width);
        if (region.Interpolation == Interpolation.Nearest)
        {
            // floor(i · source / target) in integers, because a float can fall just below the exact integer.
            Tensor Index(int target, int source) =>
                RowIndex.Of(Enumerable.Range(0, target).Select(i => (int)((long)i * source / target)), partner.device);
            return part.index_select(2, Index(region.Box.Height, region.Source.Height)).index_select(3,
                Index(region.Box.Width, region.Source.Width));
        }
        var real = IsReal(part) ? part : part.to(ScalarType.Float32);
        return Typed(nn.functional.interpolate(real, [region.Box.Height, region.Box.Width], mode: InterpolationMode.Bilinear,
            align_corners: true), partner.dtype);
    }

    private static Tensor Blended(Tensor own, Tensor partner, Tensor weight)
    {
        var type = IsReal(own) ? own.dtype : ScalarType.Float32;
        var (w, a, b) = (weight.to(type, own.device), own.to(type), partner.to(type));
        return Typed((w * a).Plus(OneMinus(w) * b), own.dtype);
    }

    private static Tensor Typed(Tensor values, ScalarType type) => IsReal(type) ? values.to(type) : values.round().to(type);

    private static bool IsReal(Tensor tensor) => IsReal(tensor.dtype);

    private static bool IsReal(ScalarType type) =>
        type is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64;

    // Permutes the blocks: cut into (Side·Side, n, C, h, w), select, reassemble.
    private static Tensor Moved(Tensor images, int side, int[] sources)
    {
        var (n, channels, height, width) = (images.size(0), images.size(1), images.size(2), images.size(3));
        var blocks = images.reshape(n, channels, side, height / side, side, width / side).permute(2, 4, 0, 1, 3, 5).flatten(0, 1);
        var moved = blocks.index_select(0, RowIndex.Of(sources, images.device));
        return moved.reshape(side, side, n, channels, height / side, width / side).permute(2, 3, 0, 4, 1, 5).reshape(n, channels, height,
            width);
    }

    private static Tensor Mask(Region region, Tensor images)
    {
        var (height, width) = ((int)images.size(2), (int)images.size(3));
        var weights = new float[height * width];
        region.WriteMask(weights, height, width);
        return tensor(weights, [1, 1, height, width], device: images.device);
    }
}
