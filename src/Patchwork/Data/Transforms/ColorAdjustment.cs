namespace Patchwork.Data;

/// <summary>
/// Adjusts brightness, contrast, saturation and hue of planar pixels by a given amount, like torchvision's functions of the same names:
/// blends in float, clamped to 0 to 255 and truncated to whole levels.
/// </summary>
internal static class ColorAdjustment
{
    /// <summary>Multiplies all pixels by a factor.</summary>
    public static void Brightness(Span<byte> planar, float factor)
    {
        Span<byte> levels = stackalloc byte[256];
        for (var level = 0; level < 256; level++)
            levels[level] = Level(factor * level);
        foreach (ref var value in planar)
            value = levels[value];
    }

    /// <summary>Blends with the mean grey of the whole picture.</summary>
    public static void Contrast(Span<byte> planar, int channels, float factor)
    {
        var area = planar.Length / channels;
        long sum = 0;      // of whole grey levels
        for (var i = 0; i < area; i++)
            sum += channels == 1 ? planar[i] : Grey(planar, area, i);
        var mean = (float)((double)sum / area);
        Span<byte> levels = stackalloc byte[256];
        for (var level = 0; level < 256; level++)
            levels[level] = Level(factor * level + (1 - factor) * mean);
        foreach (ref var value in planar)
            value = levels[value];
    }

    /// <summary>Blends with each pixel's own grey. Three channels.</summary>
    public static void Saturation(Span<byte> planar, float factor)
    {
        var area = planar.Length / 3;
        for (var i = 0; i < area; i++)
        {
            var rest = (1 - factor) * Grey(planar, area, i);
            for (var at = i; at < planar.Length; at += area)
                planar[at] = Level(factor * planar[at] + rest);
        }
    }

    /// <summary>Rotates the hue by a share of the colour circle, keeping value and saturation (HSV). Three channels.</summary>
    public static void Hue(Span<byte> planar, float turn)
    {
        var area = planar.Length / 3;
        for (var i = 0; i < area; i++)
        {
            var (r, g, b) = (planar[i] / 255f, planar[area + i] / 255f, planar[2 * area + i] / 255f);
            var (value, least) = (Math.Max(r, Math.Max(g, b)), Math.Min(r, Math.Min(g, b)));
            var chroma = value - least;
            if (chroma == 0)
                continue;      // grey has no hue
            var sixth = value == r ? (g - b) / chroma : value == g ? 2 + (b - r) / chroma : 4 + (r - g) / chroma;
            var hue = (sixth / 6 + turn + 2) % 1 * 6;      // in sixths of the circle, from red
            float Channel(float offset)
            {
                var k = (offset + hue) % 6;
                return value - chroma * Math.Clamp(Math.Min(k, 4 - k), 0, 1);
            }
            (planar[i], planar[area + i], planar[2 * area + i]) = (OfShare(Channel(5)), OfShare(Channel(3)), OfShare(Channel(1)));
        }
    }

    // ITU-R BT.601 luma, truncated to whole levels, like torchvision's grey of a byte picture.
    private static byte Grey(ReadOnlySpan<byte> planar, int area, int i) =>
        (byte)(0.2989f * planar[i] + 0.587f * planar[area + i] + 0.114f * planar[2 * area + i]);

    private static byte Level(float value) => (byte)Math.Clamp(value, 0, 255);

    // Differs from torchvision, which truncates: rotating the hue by zero would lose a level wherever the last bit was rounded down.
    private static byte OfShare(float share) => (byte)(share * 255 + 0.5f);
}
