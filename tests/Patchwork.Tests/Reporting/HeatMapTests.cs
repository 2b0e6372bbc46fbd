using Patchwork.Reporting;
using Xunit;

namespace Patchwork.Tests.Reporting;

public sealed class HeatMapTests
{
    private static HeatMap Ramp => new(1, 256, [.. Enumerable.Range(0, 256).Select(i => i / 255f)]);

    [Fact]
    public void Colours_run_from_the_first_of_the_published_palette_to_the_last()
    {
        var rgb = Ramp.ToPicture().Rgb;
        Assert.Equal([0x00, 0x00, 0x04], rgb[..3]);
        Assert.Equal([0xfc, 0xff, 0xa4], rgb[^3..]);
        Assert.Equal([0xa5, 0x2c, 0x60], new HeatMap(1, 1, [4 / 9f]).ToPicture().Rgb);
    }

    // Lightness rises with the value, without jumps, so that a map can also be read in greyscale.
    [Fact]
    public void A_larger_value_is_lighter()
    {
        var rgb = Ramp.ToPicture().Rgb;
        double[] lightness = [.. Enumerable.Range(0, 256).Select(i => Lightness(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]))];
        for (var i = 1; i < 256; i++)
            Assert.InRange(lightness[i] - lightness[i - 1], 1e-9, 1.5);      // of 100; equal steps would be 0.4
    }

    [Fact]
    public void An_overlay_blends_the_grey_picture_with_the_heat_map()
    {
        var (map, picture) = (Ramp, new Picture(1, 256, [.. Enumerable.Range(0, 768).Select(i => (byte)(i * 37))]));
        var heat = map.ToPicture().Rgb;
        Assert.Equal(heat, map.Over(picture, 1).Rgb);
        var (grey, half) = (map.Over(picture, 0).Rgb, map.Over(picture).Rgb);
        for (var i = 0; i < half.Length; i++)
        {
            Assert.Equal(grey[i - i % 3], grey[i]);
            Assert.InRange(grey[i], picture.Rgb[(i - i % 3)..(i - i % 3 + 3)].Min(), picture.Rgb[(i - i % 3)..(i - i % 3 + 3)].Max());
            Assert.Equal((grey[i] + heat[i]) / 2.0, half[i], 1.0);      // grey is rounded once more
        }
    }

    [Fact]
    public void A_grey_picture_is_unchanged_under_an_overlay_of_share_0()
    {
        var picture = new Picture(1, 256, [.. Enumerable.Range(0, 256).SelectMany(i => (byte[])[(byte)i, (byte)i, (byte)i])]);
        Assert.Equal(picture.Rgb, Ramp.Over(picture, 0).Rgb);
    }

    [Fact]
    public void Values_outside_their_range_and_pictures_of_another_size_are_rejected()
    {
        string Refusal(Func<object> made) => Assert.Throws<ArgumentException>(made).Message;
        Assert.Contains("1.5", Refusal(() => new HeatMap(1, 2, [0, 1.5f])), StringComparison.Ordinal);
        Assert.Contains("NaN", Refusal(() => new HeatMap(1, 2, [float.NaN, 0])), StringComparison.Ordinal);
        Assert.Contains("3 values", Refusal(() => new HeatMap(2, 2, [0, 0, 0])), StringComparison.Ordinal);
        Assert.Contains("1×256 over 1×1", Refusal(() => Ramp.Over(new Picture(1, 1, [0, 0, 0]))), StringComparison.Ordinal);
        Assert.Contains("share = 2", Refusal(() => Ramp.Over(Ramp.ToPicture(), 2)), StringComparison.Ordinal);
    }

    // L* of CIELAB, from sRGB.
    private static double Lightness(params byte[] rgb)
    {
        double[] linear = [.. rgb.Select(value => value / 255.0)
            .Select(v => v <= 0.04045 ? v / 12.92 : Math.Pow((v + 0.055) / 1.055, 2.4))];
        var y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        return y > 216 / 24389.0 ? 116 * Math.Cbrt(y) - 16 : y * 24389 / 27;
    }
}
