using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>
/// Random brightness, contrast, saturation and hue, in random order (Krizhevsky et al., 2012; torchvision's ColorJitter). Each factor is
/// uniform on [max(0, 1-s), 1+s] for its strength s; the hue is rotated by a share of the colour circle, uniform on [-s, s]. Every step
/// rounds to whole levels, as on 8-bit images.
/// </summary>
public sealed record ColorJitter
{
    /// <summary>Strength of the brightness: all channels times a factor. Range: 0 or more. Default 0.4.</summary>
    public double Brightness { get; init => field = Strength(value, "brightness"); } = 0.4;

    /// <summary>Strength of the contrast: away from, or towards, the picture's mean grey. Range: 0 or more. Default 0.4.</summary>
    public double Contrast { get; init => field = Strength(value, "contrast"); } = 0.4;

    /// <summary>
    /// Strength of the saturation: away from, or towards, each pixel's grey. Grey pictures do not change. Range: 0 or more. Default 0.4.
    /// </summary>
    public double Saturation { get; init => field = Strength(value, "saturation"); } = 0.4;

    /// <summary>
    /// Strength of the hue rotation, a share of the colour circle. Grey pictures do not change. Range [0, 0.5]. Default 0.
    /// </summary>
    public double Hue
    {
        get;
        init => field = value is >= 0 and <= 0.5 ? value
            : throw new ArgumentOutOfRangeException(
                nameof(value), FormattableString.Invariant($"hue must lie in [0, 0.5]. Received: hue = {value}."));
    }

    /// <summary>Jitters planar pixels, one or three channels, in place.</summary>
    internal void Apply(Span<byte> planar, int channels, Draws draws)
    {
        double Factor(double strength) => Math.Max(0, 1 - strength) + (1 + strength - Math.Max(0, 1 - strength)) * draws.Uniform();
        // All values are drawn whether or not they are needed, so that changing one strength leaves the other factors as they were.
        var order = draws.Permutation(4);
        var (brightness, contrast, saturation) = ((float)Factor(Brightness), (float)Factor(Contrast), (float)Factor(Saturation));
        var hue = (float)(Hue * (2 * draws.Uniform() - 1));
        foreach (var step in order)
        {
            if (step == 0 && Brightness > 0)
                ColorAdjustment.Brightness(planar, brightness);
            else if (step == 1 && Contrast > 0)
                ColorAdjustment.Contrast(planar, channels, contrast);
            else if (step == 2 && Saturation > 0 && channels == 3)
                ColorAdjustment.Saturation(planar, saturation);
            else if (step == 3 && Hue > 0 && channels == 3)
                ColorAdjustment.Hue(planar, hue);
        }
    }

    private static double Strength(double value, string name) => value >= 0 && double.IsFinite(value) ? value
        : throw new ArgumentOutOfRangeException(
            nameof(value), FormattableString.Invariant($"{name} must be 0 or more. Received: {name} = {value}."));
}
