using Patchwork.Internals;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// Interpolated images (CutMix paper, section 4.4, figure 5b): pairs of test images, blended or pasted. A prediction is an error if it is
/// neither of the two classes.
/// </summary>
public static class InBetween
{
    /// <summary>The blends: λ, the first image's share, from 0 to 1 in tenths.</summary>
    public static IReadOnlyList<double> Lambdas { get; } = [.. Enumerable.Range(0, 11).Select(i => i / 10.0)];

    /// <summary>Returns λ·a + (1-λ)·b; the caller owns the result.</summary>
    /// <param name="a">First images (N, C, H, W).</param>
    /// <param name="b">Second images, of the same shape.</param>
    /// <param name="lambda">λ. Range [0, 1].</param>
    public static Tensor Blend(Tensor a, Tensor b, double lambda)
    {
        using var scope = NewDisposeScope();
        return (a * Held(lambda)).Plus(b * Held(1 - lambda)).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the first images with a centred square of s × s pixels of the second ones; the caller owns the result.</summary>
    /// <inheritdoc cref="Blend"/>
    /// <param name="a">First images (N, C, H, W).</param>
    /// <param name="b">Second images, of the same shape.</param>
    /// <param name="size">s in pixels. Range: 0 to the shorter side.</param>
    public static Tensor Paste(Tensor a, Tensor b, int size)
    {
        var (height, width) = (a.size(2), a.size(3));
        if (size < 0 || size > Math.Min(height, width))
            throw new ArgumentOutOfRangeException(nameof(size),
                $"The square must fit into the image of {height}×{width}. Received: size = {size}.");
        using var scope = NewDisposeScope();
        var (top, left) = ((height - size) / 2, (width - size) / 2);
        var pasted = a.clone();
        if (size > 0)
            pasted.narrow(2, top, size).narrow(3, left, size).copy_(b.narrow(2, top, size).narrow(3, left, size));
        return pasted.MoveToOuterDisposeScope();
    }

    /// <summary>Returns whether the best class of each image is neither label, as bool (N); the caller owns the result.</summary>
    public static Tensor Errors(Tensor logits, Tensor labelsA, Tensor labelsB)
    {
        using var scope = NewDisposeScope();
        var best = Ranking.Best(logits);
        return best.ne(labelsA).logical_and(best.ne(labelsB)).MoveToOuterDisposeScope();
    }
}
