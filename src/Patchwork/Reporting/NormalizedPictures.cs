using Patchwork.Data;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Reporting;

/// <summary>Converts normalized images back to pixels in [0, 1].</summary>
public static class NormalizedPictures
{
    /// <summary>
    /// Undoes the normalization of images (N, C, H, W): <c>v·standard deviation + mean</c>, clamped to [0, 1]. The caller owns the result.
    /// </summary>
    public static Tensor Restore(Tensor images, Normalization normalization)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var mean = tensor(normalization.Mean.ToArray(), device: images.device).reshape(1, -1, 1, 1);
        var deviation = tensor(normalization.StandardDeviation.ToArray(), device: images.device).reshape(1, -1, 1, 1);
        return (images * deviation).Plus(mean).clamp(Zero, One).MoveToOuterDisposeScope();
    }
}
