using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Saliency;

/// <summary>
/// Class activation maps (Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016): how much every position of the
/// last feature map contributes to the logit of a class, <c>CAM_k(p) = Σ_d w_kd·f_d(p) + b_k</c>, where <c>f</c> is the map that is pooled.
/// The mean of a class activation map is the logit itself. The network's last layer must be linear and follow global average pooling.
/// </summary>
public static class ClassActivation
{
    /// <summary>
    /// Computes the maps (N, H, W) of one class per image, resized bilinearly to the images' size, on the images' device; the caller owns
    /// the result.
    /// </summary>
    /// <param name="model">
    /// The network; it runs in evaluation mode, and its state is unchanged afterwards, including BatchNorm's statistics.
    /// </param>
    /// <param name="images">Images (N, C, H, W), floating.</param>
    /// <param name="classes">One class id per image, (N), int64.</param>
    /// <exception cref="ArgumentException">The last layer is not a linear layer that follows global average pooling.</exception>
    public static Tensor Of(nn.Module<Tensor, Tensor> model, Tensor images, Tensor classes)
    {
        using var scope = NewDisposeScope();
        using var small = AtFeatures(model, images, classes);
        return Enlarge(small, images.size(2), images.size(3)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Computes maps (N, H, W) for display and localization, with values in [0, 1]: the maps are resized bilinearly to the images' size,
    /// then the minimum of each is subtracted and the result is divided by its maximum. As in the authors' code, the bias is omitted. A
    /// constant map becomes all 0.
    /// </summary>
    /// <inheritdoc cref="Of"/>
    public static Tensor Scaled(nn.Module<Tensor, Tensor> model, Tensor images, Tensor classes)
    {
        using var scope = NewDisposeScope();
        return Scaled(LastFeatures.Of(model, images), classes, images.size(2), images.size(3)).MoveToOuterDisposeScope();
    }

    // Enlarged before scaling, as in clovaai/wsolevaluation (bicubically there), so that the peak of the enlarged map is 1.
    internal static Tensor Scaled(LastFeatures last, Tensor classes, long height, long width)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        return ForDisplay(AtFeatures(last, classes, withBias: false), height, width).MoveToOuterDisposeScope();
    }

    // Grad-CAM's 1e-7 would keep the peak below 1, one level of 255 lower; here the constant only has to prevent 0/0 for a constant map.
    internal static Tensor ForDisplay(Tensor maps, long height, long width)
    {
        using var large = Enlarge(maps, height, width);
        return GradCam.Scaled(large, least: 1e-30);
    }

    /// <summary>Computes the maps (N, h, w) at the size of the last features.</summary>
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
        // The bias is part of the logit, so it is added at every position.
        var features = last.Features;
        var weights = last.Classifier.weight!.index_select(0, classes).unsqueeze(-1).unsqueeze(-1);      // (N, D, 1, 1)
        var maps = (weights * features).sum(1);
        if (withBias && last.Classifier.bias is { } bias)
            maps += bias.index_select(0, classes).reshape(-1, 1, 1);
        return maps.MoveToOuterDisposeScope();
    }

    /// <summary>Resizes maps (N, h, w) bilinearly, without aligning corners, as SnapMix's code does; the caller owns the result.</summary>
    public static Tensor Enlarge(Tensor maps, long height, long width)
    {
        // Interpolation would round the single value differently at each position, and scaling would turn the rounding errors into a
        // pattern.
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
