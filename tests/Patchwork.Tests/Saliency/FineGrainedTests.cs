using Patchwork.Randomness;
using Patchwork.Saliency;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Saliency;

[Collection(SerialCollection.Name)]
public sealed class FineGrainedTests
{
    private static byte[] Noise(int count, int seed)
    {
        new SeedStream((ulong)seed).SeedTorch("test");
        using var bytes = randint(0, 256, count, dtype: ScalarType.Byte);
        return bytes.data<byte>().ToArray();
    }

    // Up to 12 pixels per side, the window of every scale is the whole image, so each pixel gets six times its contrast with the mean of
    // all others. The expected values follow the definition in plain loops.
    [Theory, InlineData(5, 7), InlineData(12, 12), InlineData(1, 9), InlineData(8, 1), InlineData(3, 4)]
    public void Each_pixel_of_a_small_image_is_contrasted_with_all_others(int height, int width)
    {
        var picture = Noise(height * width, 3);
        var grey = Blurred(Blurred(picture, height, width), height, width);
        var contrasts = grey.Select(centre => centre - (float)(grey.Sum(value => value) - centre) / (grey.Length - 1)).ToArray();
        var (on, off) = (contrasts.Select(c => 6 * (int)Math.Max(c, 0)).ToArray(), contrasts.Select(c => 6 * (int)Math.Max(-c, 0))
            .ToArray());
        int[] To255(int[] values) => [.. values.Select(value => values.Max() == 0 ? 0 : (int)(255.0 * ((float)value / values.Max())))];
        var expected = To255(on).Zip(To255(off), (a, b) => (byte)Math.Min(a + b, 255)).ToArray();
        Assert.Equal(expected, FineGrained.Of(picture, height, width));
        Assert.Equal(255, expected.Max());
    }

    [Theory, InlineData(0), InlineData(255)]
    public void A_dot_on_a_uniform_background_is_the_most_salient_point(byte dot)
    {
        var picture = new byte[3 * 40 * 60];
        Array.Fill(picture, (byte)128);
        for (var channel = 0; channel < 3; channel++)
            picture[(channel * 40 + 11) * 60 + 47] = dot;
        var map = FineGrained.Of(picture, 40, 60);
        Assert.Equal(11 * 60 + 47, Array.IndexOf(map, map.Max()));
        Assert.Equal(255, map.Max());
        Assert.Equal(0, map[0]);
    }

    [Fact]
    public void An_image_without_contrast_has_a_map_of_zeros()
    {
        Assert.All(FineGrained.Of(new byte[20 * 20], 20, 20), value => Assert.Equal(0, value));
        Assert.Equal([0], FineGrained.Of([7, 8, 9], 1, 1));
        Assert.Throws<ArgumentException>(() => FineGrained.Of(new byte[7], 2, 2));
    }

    [Fact]
    public void A_normalized_image_has_the_same_map_as_its_bytes()
    {
        using var scope = NewDisposeScope();
        var pixels = Noise(2 * 3 * 24 * 20, 5);
        (pixels[0], pixels[1], pixels[^1], pixels[^2]) = (0, 255, 0, 255);      // each image has both extremes
        var bytes = tensor(pixels, [2, 3, 24, 20]);
        var maps = FineGrained.Of((bytes.to(ScalarType.Float32) / 255 - 0.45) / 0.25);
        Assert.Equal(FineGrained.Of(bytes), maps);
        Assert.Equal(FineGrained.Of(pixels.AsSpan(3 * 24 * 20), 24, 20), maps[1]);
    }

    private static int[] Blurred(IEnumerable<byte> grey, int height, int width) =>
        Blurred([.. grey.Select(value => (int)value)], height, width);

    private static int[] Blurred(int[] grey, int height, int width)
    {
        int At(int y, int x) => grey[Inside(y, height) * width + Inside(x, width)];
        static int Inside(int i, int side) => side == 1 ? 0 : i < 0 ? -i : i >= side ? 2 * side - 2 - i : i;
        return [.. Enumerable.Range(0, grey.Length).Select(i => (int)Math.Floor(0.5 + (from dy in (int[])[-1, 0, 1]
            from dx in (int[])[-1, 0, 1]
            select At(i / width + dy, i % width + dx) * (2 - Math.Abs(dy)) * (2 - Math.Abs(dx))).Sum() / 16.0))];
    }
}
