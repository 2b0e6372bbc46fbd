using Patchwork.Imaging;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Imaging;

public sealed class ScaledDecodingTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-scaled-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string At(string name) => Path.Combine(folder, name);

    private static byte[] Decode(string path, int height, int width, Func<int, int, Window> choose, bool scaled)
    {
        var planar = new byte[3 * height * width];
        ImageDecoder.DecodeWindow(path, height, width, planar, choose, scaled);
        return planar;
    }

    private static byte[] Decode(string path, int height, int width, bool scaled) =>
        Decode(path, height, width, (h, w) => Window.Centered(h, w, height, width), scaled);

    private static byte Level(double value) => (byte)Math.Clamp(value, 0, 255);

    // A sum of waves with periods from about 300 pixels down to 3. Each octave has half the amplitude of the one before, as the detail of
    // photographs falls off.
    private static SKColor Photograph(int y, int x)
    {
        double light = 128, hue = 0;
        for (var octave = 0; octave < 8; octave++)
        {
            var (frequency, amplitude) = (0.02 * (1 << octave), 45.0 / (1 << octave));
            light += amplitude * Math.Sin(frequency * (x * Math.Cos(octave) + y * Math.Sin(octave)) + octave * octave);
            hue += amplitude / 2 * Math.Cos(frequency * (y * Math.Cos(octave + 2) + x * Math.Sin(octave + 2)));
        }
        return new SKColor(Level(light + hue), Level(light - hue / 2), Level(light - hue));
    }

    // A zone plate: rings of constant contrast that become finer outwards, down to two pixels.
    private static SKColor Rings(int y, int x, int height, int width)
    {
        var (dy, dx) = (y - height / 2.0, x - width / 2.0);
        var wave = Math.Cos(Math.PI / Math.Max(height, width) * (dy * dy + dx * dx));
        return new SKColor(Level(128 + 100 * wave), Level(128 - 100 * wave), Level(128 + 50 * wave));
    }

    private static void AssertNear(byte[] whole, byte[] scaled, double mean, int most)
    {
        var differences = whole.Zip(scaled, (one, other) => Math.Abs(one - other)).ToArray();
        Assert.NotEqual(0, differences.Max());      // scaled decoding was used
        Assert.InRange(differences.Average(), 0, mean);
        Assert.InRange(differences.Max(), 0, most);
    }

    [Theory]
    [InlineData(3072, 3072, 224, 224, 4)]
    [InlineData(3584, 3584, 224, 224, 8)]
    [InlineData(3583, 3584, 224, 224, 4)]
    [InlineData(3584, 3583.9, 224, 224, 4)]
    [InlineData(896, 896, 224, 224, 2)]
    [InlineData(895, 895, 224, 224, 1)]
    [InlineData(64, 64, 224, 224, 1)]
    [InlineData(100_000, 400, 10, 100, 2)]
    [InlineData(100_000, 100_000, 1, 1, 8)]
    public void An_image_is_reduced_while_twice_the_target_size_remains(double windowHeight, double windowWidth, int rows, int columns,
        int reduction) =>
        Assert.Equal(reduction, ImageDecoder.Reduction(new Window(5, 7, windowHeight, windowWidth), rows, columns));

    // The bounds are twice the differences measured over sizes, windows and qualities (0.33 and 4 levels). The decoder reduces each block
    // to almost the average of its pixels, and the triangle filter covers four or more of these averages. A shift by half a reduced pixel
    // would exceed the bounds.
    [Theory]
    [InlineData(451, 603, 112, 112)]
    [InlineData(603, 451, 56, 56)]
    [InlineData(451, 603, 28, 28)]
    [InlineData(603, 451, 27, 20)]
    [InlineData(451, 603, 50, 64)]
    public void Scaled_decoding_of_a_photograph_differs_by_less_than_a_level_on_average(int height, int width, int rows,
        int columns)
    {
        var path = PictureFiles.WriteJpeg(At("a.jpg"), PictureFiles.Paint(height, width, Photograph), quality: 85);
        AssertNear(Decode(path, rows, columns, false), Decode(path, rows, columns, true), 0.7, 8);
    }

    // The bounds are twice the measured differences (1.4 and 19 levels, for rings from 28 to 228). Detail finer than the result can show
    // becomes grey with both decodings.
    [Theory, InlineData(112), InlineData(56), InlineData(28)]
    public void The_finest_detail_aliases_no_more_than_with_full_decoding(int side)
    {
        var path = PictureFiles.WriteJpeg(At("rings.jpg"), PictureFiles.Paint(451, 603, (y, x) => Rings(y, x, 451, 603)), quality: 85);
        AssertNear(Decode(path, side, side, false), Decode(path, side, side, true), 2.8, 38);
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6), InlineData(7), InlineData(8)]
    public void A_window_is_cropped_from_the_upright_image_and_chosen_once_from_its_full_size(ushort orientation)
    {
        const int storedHeight = 451, storedWidth = 603;
        var path = PictureFiles.WriteJpeg(At("camera.jpg"), PictureFiles.Paint(storedHeight, storedWidth, Photograph), quality: 90);
        PictureFiles.InsertOrientation(path, orientation);
        var sizes = new List<(int, int)>();
        Window Choose(int height, int width)
        {
            sizes.Add((height, width));
            return new Window(51.5, 33.25, 230, 357.5);
        }
        var whole = Decode(path, 28, 40, Choose, scaled: false);
        var scaled = Decode(path, 28, 40, Choose, scaled: true);
        AssertNear(whole, scaled, 0.7, 8);
        var upright = orientation > 4 ? (storedWidth, storedHeight) : (storedHeight, storedWidth);
        Assert.Equal([upright, upright], sizes);
    }

    [Fact]
    public void A_CMYK_JPEG_is_scaled_by_Skia()
    {
        File.WriteAllBytes(At("inks.jpg"), PictureFiles.Cmyk);
        AssertNear(Decode(At("inks.jpg"), 4, 4, false), Decode(At("inks.jpg"), 4, 4, true), 2, 8);
    }

    [Theory, InlineData("a.png"), InlineData("a.webp")]
    public void Other_formats_are_decoded_at_full_size(string name)
    {
        var path = PictureFiles.Write(At(name), PictureFiles.Paint(211, 307, Photograph));
        Assert.Equal(Decode(path, 20, 20, false), Decode(path, 20, 20, true));
    }

    [Fact]
    public void A_JPEG_of_less_than_four_times_the_target_size_is_decoded_at_full_size()
    {
        var path = PictureFiles.WriteJpeg(At("small.jpg"), PictureFiles.Paint(127, 127, Photograph), quality: 85);
        Assert.Equal(Decode(path, 32, 32, false), Decode(path, 32, 32, true));
        Assert.NotEqual(Decode(path, 31, 31, false), Decode(path, 31, 31, true));
    }

    [Theory, InlineData(0.1), InlineData(0.5), InlineData(0.9)]
    public void A_truncated_image_is_rejected_and_named(double share)
    {
        var path = PictureFiles.WriteNoise(At("cut.jpg"), 203, 117);
        PictureFiles.Cut(path, share);
        var error = Assert.Throws<InputException>(() => Decode(path, 8, 8, scaled: true));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("damaged", error.Message, StringComparison.Ordinal);
    }
}
