using Patchwork.Imaging;
using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>
/// A random part of the picture, of random proportions, resized to the set's size: the usual augmentation of photographs (Szegedy et al.,
/// CVPR 2015; torchvision's RandomResizedCrop). Drawn and cut in the picture as the camera made it, not in one that was made smaller
/// before.
/// </summary>
/// <remarks>
/// Differs from torchvision in two ways that do not shift the law: corners need not lie on whole pixels, and pixels just outside the part
/// enter the border's by the filter, as with Pillow's <c>resize(box=…)</c>.
/// </remarks>
public sealed record RandomResizedCrop
{
    private const int Tries = 10;

    /// <summary>Least share of the picture's area. Range (0, 1]. Default 0.08, as for ImageNet. The largest is 1.</summary>
    public double Scale
    {
        get;
        init => field = value is > 0 and <= 1 ? value
            : throw new ArgumentOutOfRangeException(
                nameof(value), FormattableString.Invariant($"scale must lie in (0, 1]. Received: scale = {value}."));
    } = 0.08;

    /// <summary>
    /// Largest ratio of the sides, width over height or height over width; its logarithm is uniform. Range: at least 1. Default 4/3.
    /// </summary>
    public double Ratio
    {
        get;
        init => field = value >= 1 && double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(
                nameof(value), FormattableString.Invariant($"ratio must be 1 or more. Received: ratio = {value}."));
    } = 4.0 / 3;

    /// <summary>
    /// Draws a window of a picture. After ten that do not fit: the largest one in the middle whose proportions are allowed.
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
