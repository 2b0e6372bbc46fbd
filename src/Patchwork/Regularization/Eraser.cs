using System.Runtime.InteropServices;
using Patchwork.Plans;
using Patchwork.Randomness;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// A method that fills parts of single images and does not change labels. <see cref="Plan"/> makes every random draw and changes no pixels;
/// <see cref="Apply"/> executes a plan and draws nothing. It works on normalized images, whose mean colour is 0.
/// </summary>
public abstract record Eraser : IPlanner, IMethod
{
    /// <summary>Probability that an image is erased. Range [0, 1].</summary>
    public abstract double Probability { get; init; }

    /// <inheritdoc/>
    public abstract string Id { get; }

    /// <inheritdoc/>
    public Needs Needs => Needs.Nothing;

    /// <inheritdoc/>
    public bool PlansBoxes => false;

    /// <inheritdoc/>
    public MixPlan Plan(MixContext context)
    {
        var draws = context.Draws;
        ImagePlan Image(int i) => new(i, draws.Bernoulli(Probability) ? Draw(context.Height, context.Width, draws) : BoxRegion.Empty, 1, 1);
        return new MixPlan(Id, context.Height, context.Width, [.. Enumerable.Range(0, context.Count).Select(Image)], draws.Id);
    }

    /// <summary>Erases images (N, C, H, W), floating-point and normalized, by a plan, into a new tensor that the caller owns.</summary>
    /// <exception cref="ArgumentException">The shape of the images does not match the plan, or they are not floating-point.</exception>
    public static Tensor Apply(Tensor images, MixPlan plan)
    {
        if (images.dim() != 4 || images.size(0) != plan.Images.Count || images.size(2) != plan.Height || images.size(3) != plan.Width)
            throw new ArgumentException($"images must be (N, C, H, W) = ({plan.Images.Count}, C, {plan.Height}, {plan.Width}) as "
                + $"planned. Received: ({string.Join(", ", images.shape)}).");
        if (!images.is_floating_point())
            throw new ArgumentException($"images must be normalized floats, whose mean is 0. Received: {images.dtype}.");
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var erased = images.cpu().to(ScalarType.Float32).contiguous().clone();
        var values = MemoryMarshal.Cast<byte, float>(erased.bytes);
        var size = values.Length / plan.Images.Count;
        for (var i = 0; i < plan.Images.Count; i++)
        {
            if (plan.Images[i].Region is FillRegion region)
                region.Write(values.Slice(i * size, size), plan.Height, plan.Width, Box.Empty, inside: false);
        }
        return erased.to(images.dtype).to(images.device).MoveToOuterDisposeScope();
    }

    /// <summary>Draws the holes of one image.</summary>
    protected abstract Region Draw(int height, int width, Draws draws);
}
