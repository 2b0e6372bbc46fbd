using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Saliency;

/// <summary>
/// Spectral residual saliency (Hou and Zhang, "Saliency Detection: A Spectral Residual Approach", CVPR 2007; in this form in GuidedMixup):
/// what is unusual in the amplitudes of an image's spectrum, transformed back with the image's phases, and blurred. It needs no network
/// and no training.
/// </summary>
public static class SpectralResidual
{
    private const int LargestSide = 128, BlurSide = 7;
    private const double BlurDeviation = 3;

    // The weights of ITU-R BT.601 for red, green and blue.
    private static readonly float[] Luma = [0.299f, 0.587f, 0.114f];

    /// <summary>
    /// Computes the maps (N, H, W) of images, 0 or more, each with a sum of 1, on the images' device; the caller owns the result. The map
    /// of a constant image is constant.
    /// </summary>
    /// <param name="images">
    /// Images (N, C, H, W), floating or bytes, normalized or not. Images with a side above 128 pixels are made smaller first, and their
    /// maps enlarged.
    /// </param>
    public static Tensor Of(Tensor images)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (height, width) = (images.size(2), images.size(3));
        var grey = Grey(images.detach().to(ScalarType.Float32));                              // (N, 1, H, W)
        var shrink = Math.Min(1.0, (double)LargestSide / Math.Max(height, width));
        if (shrink < 1)
            grey = nn.functional.interpolate(grey, [Sized(height), Sized(width)], mode: InterpolationMode.Bilinear, align_corners: false);
        var spectrum = fft.fft2(grey);
        var amplitude = spectrum.abs().clamp_min(Held(1e-12));
        var log = amplitude.log();
        var residual = log - nn.functional.avg_pool2d(Framed(log, 1), 3, stride: 1);
        var map = Blurred(fft.ifft2(spectrum * (residual.exp() / amplitude)).abs());          // amplitude replaced, phase kept
        if (shrink < 1)
            map = nn.functional.interpolate(map, [height, width], mode: InterpolationMode.Bilinear, align_corners: false);
        map = map.squeeze(1).Plus(1e-12);      // where everything is 0, all pixels are equally salient
        return (map / map.sum([1, 2], keepdim: true)).MoveToOuterDisposeScope();

        long Sized(long side) => Math.Max(1, (long)Math.Round(side * shrink));
    }

    private static Tensor Grey(Tensor images) => images.size(1) != 3 ? images.mean([1], keepdim: true)
        : (images * tensor(Luma, device: images.device).reshape(1, 3, 1, 1)).sum(1, keepdim: true);

    private static Tensor Blurred(Tensor map)
    {
        var offsets = arange(Zero, Held((long)BlurSide), dtype: ScalarType.Float32, device: map.device) - Held(BlurSide / 2L);
        var kernel = (offsets.square() * Held(-1 / (2 * BlurDeviation * BlurDeviation))).exp();
        kernel /= kernel.sum();
        var down = nn.functional.conv2d(Framed(map, BlurSide / 2), kernel.reshape(1, 1, -1, 1));
        return nn.functional.conv2d(down, kernel.reshape(1, 1, 1, -1));
    }

    private static Tensor Framed(Tensor map, long pixels) =>
        nn.functional.pad(map, [pixels, pixels, pixels, pixels], PaddingModes.Replicate);
}
