using Patchwork.Internals;
using Patchwork.Plans;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// Pastes the partners' boxes into a batch in place: <c>x_i[box_i] ← x_π(i)[box_i]</c>, where every right-hand side is the value before
/// mixing. On a CPU only the memory inside the boxes is touched (<see cref="BoxMoves"/>); in all other cases tensor operations on the boxes
/// give the same result, bit for bit.
/// </summary>
internal static class BoxPaste
{
    /// <summary>Mixes images (N, C, H, W) of any type by a plan that consists of boxes.</summary>
    public static void InPlace(Tensor images, MixPlan plan)
    {
        Check(images, plan);
        if (!plan.ChangesPixels)
            return;
        if (BoxMemory.TryOpen(images) is { } memory)
        {
            BoxMoves.Of(plan).Run(memory);
            GC.KeepAlive(images);
        }
        else
        {
            WithTensors(images, plan);
        }
    }

    /// <summary>Does the same with tensor operations, for any device and layout: one select, no loop over the images.</summary>
    public static void WithTensors(Tensor images, MixPlan plan)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var partners = RowIndex.Of(plan.Partners(), images.device);
        var boxes = plan.Images.Select(image => ((BoxRegion)image.Region).Box).ToArray();
        var (top, left, bottom, right) = (boxes.Min(b => b.Top), boxes.Min(b => b.Left), boxes.Max(b => b.Bottom), boxes.Max(b => b.Right));
        var window = images.narrow(2, top, bottom - top).narrow(3, left, right - left);      // the bounding box of all boxes
        var partner = window.index_select(0, partners);
        if (boxes.All(box => box == boxes[0]))
        {
            window.copy_(partner);
            return;
        }
        Tensor Edge(Func<Box, int> side) =>
            tensor(boxes.Select(box => (long)side(box)).ToArray(), device: images.device).reshape(-1, 1, 1, 1);
        var rows = arange(Held((long)top), Held((long)bottom), device: images.device).reshape(1, 1, -1, 1);
        var columns = arange(Held((long)left), Held((long)right), device: images.device).reshape(1, 1, 1, -1);
        var inside =
            rows.ge(Edge(b => b.Top)) & rows.lt(Edge(b => b.Bottom)) & columns.ge(Edge(b => b.Left)) & columns.lt(Edge(b => b.Right));
        window.copy_(where(inside, partner, window));
    }

    /// <summary>Rejects images whose shape does not match the plan, or whose gradient would be lost.</summary>
    public static void Check(Tensor images, MixPlan plan)
    {
        if (images.dim() != 4 || images.size(0) != plan.Images.Count || images.size(2) != plan.Height || images.size(3) != plan.Width)
            throw new ArgumentException($"images must be (N, C, H, W) = ({plan.Images.Count}, C, {plan.Height}, {plan.Width}) as planned. "
                +
                $"Received: ({string.Join(", ", images.shape)}).");
        if (images.requires_grad && images.is_leaf)
            throw new ArgumentException("images that require a gradient cannot be mixed in place. Use Apply, which returns a new tensor.");
    }
}
