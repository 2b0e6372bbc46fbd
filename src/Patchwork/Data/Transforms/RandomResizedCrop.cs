using Patchwork.Imaging;
using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>
/// A random part of the picture, of random proportions, resized to the set's size: the usual augmentation of photographs (Szegedy et al.,
/// CVPR 2015; torchvision's RandomResizedCrop). The crop is drawn and taken from the original picture, not from one that was resized
/// before.
/// </summary>
/// <remarks>
/// Differs from torchvision in two ways that do not change the distribution: corners need not be on whole pixels, and pixels just outside
/// the crop contribute to its border through the filter, as with Pillow's <c>resize(box=…)</c>.
/// </remarks>
public sealed record RandomResizedCrop
{
    private const int Tries = 10;

    /// <summary>Minimum share of the picture's area; the maximum is 1. Range (0, 1]. Default 0.08, as for ImageNet.</summary>
    public double Scale
    {
        get;
        init => field = value is > 0 and <= 1 ? value
            : throw new ArgumentOutOfRangeException(
                nameof(value), FormattableString.Invariant($"scale must lie in (0, 1]. Received: scale = {value}."));
    } = 0.08;

    /// <summary>
    /// Maximum ratio of the sides, width over height or height over width; the logarithm of the ratio is uniform. Range: at least 1.
    /// Default 4/3.
    /// </summary>
    public double Ratio
    {
        get;
        init => field = value >= 1 && double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(
                nameof(value), FormattableString.Invariant($"ratio must be 1 or more. Received: ratio = {value}."));
    } = 4.0 / 3;

    /// <summary>
    /// Draws a window of a picture. After ten attempts that do not fit, it is the largest centered window whose proportions are allowed.
    /// </summary>
    internal Window Draw(int height, int width, Draws draws)
    {
        var area = (double)height * width;
        for (var i = 0; i < Tries; i++)
        {
            var wanted = area * (Scale + (1 - Scale) * draws.Uniform());
            var ratio = Math.Exp((2 * draws.Uniform() - 1) * Math.Log(Ratio));      // width over height
            var (w, h) = (Math.Sqrt(wanted * ratio), Math.Sqrt(wanted / ratio));
            if (w <= width && h <= height)
                return new Window((height - h) * draws.Uniform(), (width - w) * draws.Uniform(), h, w);
        }
        var (tall, wide) = (Math.Min(height, width * Ratio), Math.Min(width, height * Ratio));
        return new Window((height - tall) / 2, (width - wide) / 2, tall, wide);
    }
}
