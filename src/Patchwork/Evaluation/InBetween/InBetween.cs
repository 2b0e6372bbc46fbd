using Patchwork.Internals;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// Images between two classes (CutMix paper, section 4.4, figure 5b): pairs of test images, blended or pasted. A prediction is an error
/// when it is neither of the two classes.
/// </summary>
public static class InBetween
{
    /// <summary>The blends: λ, the first image's share, from 0 to 1 in tenths.</summary>
    public static IReadOnlyList<double> Lambdas { get; } = [.. Enumerable.Range(0, 11).Select(i => i / 10.0)];

    /// <summary>λ·a + (1-λ)·b, owned by the caller.</summary>
    /// <param name="a">First images (N, C, H, W).</param>
    /// <param name="b">Second images, of the same shape.</param>
    /// <param name="lambda">λ. Range [0, 1].</param>
    public static Tensor Blend(Tensor a, Tensor b, double lambda)
    {
        using var scope = NewDisposeScope();
        return (a * Held(lambda)).Plus(b * Held(1 - lambda)).MoveToOuterDisposeScope();
    }

    /// <summary>The first image with a centred square of s × s pixels of the second, owned by the caller.</summary>
    /// <inheritdoc cref="Blend"/>
    /// <param name="a">First images (N, C, H, W).</param>
    /// <param name="b">Second images, of the same shape.</param>
    /// <param name="size">s in pixels. Range: 0 to the shorter side.</param>
    public static Tensor Paste(Tensor a, Tensor b, int size)
    {
        var (height, width) = (a.size(2), a.size(3));
        if (size < 0 || size > Math.Min(height, width))
            throw new ArgumentOutOfRangeException(nameof(size),
                $"The square must lie in the image of {height}×{width}. Received: size = {size}.");
        using var scope = NewDisposeScope();
        var (top, left) = ((height - size) / 2, (width - size) / 2);
        var pasted = a.clone();
        if (size > 0)
            pasted.narrow(2, top, size).narrow(3, left, size).copy_(b.narrow(2, top, size).narrow(3, left, size));
        return pasted.MoveToOuterDisposeScope();
    }

    /// <summary>For each image, true where the best class is neither label; (N), bool, owned by the caller.</summary>
    public static Tensor Errors(Tensor logits, Tensor labelsA, Tensor labelsB)
    {
        using var scope = NewDisposeScope();
        var best = Ranking.Best(logits);
        return best.ne(labelsA).logical_and(best.ne(labelsB)).MoveToOuterDisposeScope();
    }
}
