using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Saliency;

/// <summary>
/// Class activation maps (Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016): what every place of the last
/// feature map adds to the logit of a class, <c>CAM_k(p) = Σ_d w_kd·f_d(p) + b_k</c>, <c>f</c> being what is pooled. The mean of a map is
/// the logit itself. For networks whose last layer is linear behind global average pooling.
/// </summary>
public static class ClassActivation
{
    /// <summary>
    /// The maps (N, H, W) of one class an image, brought to the images' size bilinearly; owned by the caller, on the images' device.
    /// </summary>
    /// <param name="model">The network; run in evaluation mode and left as it was, BatchNorm's statistics included.</param>
    /// <param name="images">Images (N, C, H, W), floating.</param>
    /// <param name="classes">A class id for each image, (N), int64.</param>
    /// <exception cref="ArgumentException">The last layer is not linear behind global average pooling.</exception>
    public static Tensor Of(nn.Module<Tensor, Tensor> model, Tensor images, Tensor classes)
    {
        using var scope = NewDisposeScope();
        using var small = AtFeatures(model, images, classes);
        return Enlarge(small, images.size(2), images.size(3)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The maps (N, H, W) to be shown and to find objects with, values in [0, 1]: brought to the images' size bilinearly, then the minimum
    /// of each subtracted and the rest divided by its maximum. As its authors do, without the bias. A flat map is all 0.
    /// </summary>
    /// <inheritdoc cref="Of"/>
    public static Tensor Scaled(nn.Module<Tensor, Tensor> model, Tensor images, Tensor classes)
    {
        using var scope = NewDisposeScope();
        return Scaled(LastFeatures.Of(model, images), classes, images.size(2), images.size(3)).MoveToOuterDisposeScope();
    }

    // Enlarged before they are scaled, as clovaai/wsolevaluation does (bicubically there): the peak of the enlarged map is 1.
    internal static Tensor Scaled(LastFeatures last, Tensor classes, long height, long width)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        // Grad-CAM's 1e-7 would keep a peak below 1, a level of 255 lower; here it only has to keep a flat map from 0/0.
        return GradCam.Scaled(Enlarge(AtFeatures(last, classes, withBias: false), height, width), least: 1e-30)
            .MoveToOuterDisposeScope();
    }

    /// <summary>The maps (N, h, w) at the size of the last features.</summary>
    /// <inheritdoc cref="Of"/>
    public static Tensor AtFeatures(nn.Module<Tensor, Tensor> model, Tensor images, Tensor classes)
    {
        using var scope = NewDisposeScope();
        return AtFeatures(LastFeatures.Of(model, images), classes, withBias: true).MoveToOuterDisposeScope();
    }

    private static Tensor AtFeatures(LastFeatures last, Tensor classes, bool withBias)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        // The bias belongs to the logit, so every place carries it.
        var features = last.Features;
        var weights = last.Classifier.weight!.index_select(0, classes).unsqueeze(-1).unsqueeze(-1);      // (N, D, 1, 1)
        var maps = (weights * features).sum(1);
        if (withBias && last.Classifier.bias is { } bias)
            maps += bias.index_select(0, classes).reshape(-1, 1, 1);
        return maps.MoveToOuterDisposeScope();
    }

    /// <summary>Maps (N, h, w) brought to a size bilinearly, corners not on corners, as SnapMix's code; owned by the caller.</summary>
    public static Tensor Enlarge(Tensor maps, long height, long width)
    {
        // Interpolation would round the one value differently from place to place, and scaling make a picture of the rounding.
        if (maps.size(1) * maps.size(2) == 1)
        {
            using var same = maps.expand(-1, height, width);
            return same.clone();
        }
        using var planes = maps.unsqueeze(1);
        using var large = nn.functional.interpolate(planes, [height, width], mode: InterpolationMode.Bilinear, align_corners: false);
        return large.squeeze(1);
    }
}
