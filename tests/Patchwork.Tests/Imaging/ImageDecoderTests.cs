using System.Text;
using CsCheck;
using Patchwork.Imaging;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Imaging;

public sealed class ImageDecoderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-decoder-").FullName;

    public static MatrixTheoryData<string, double> Cuts => new(["cut.png", "cut.jpg", "cut.webp"], [0.001, 0.1, 0.5, 0.9]);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string At(string name) => Path.Combine(folder, name);

    private static byte[] Decode(string path, int height, int width, int channels = 3)
    {
        var planar = new byte[channels * height * width];
        ImageDecoder.Decode(path, height, width, planar, channels);
        return planar;
    }

    // Four blocks of different colours, taller than wide, so that no two orientations look alike.
    private static SKColor Blocks(int y, int x) => (y < 32, x < 16) switch
    {
        (true, true) => SKColors.Red,
        (true, false) => SKColors.Lime,
        (false, true) => SKColors.Blue,
        _ => SKColors.Yellow,
    };

    private static void AssertNear(byte[] expected, byte[] actual, int tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance, $"byte {i}: expected {expected[i]}, received {actual[i]}");
    }

    [Theory, InlineData("a.png"), InlineData("a.webp"), InlineData("a.JPG"), InlineData("a.jpeg")]
    public void Decoding_at_the_original_size_gives_the_pixels_of_the_file(string name)
    {
        var path = PictureFiles.Write(At(name), PictureFiles.Paint(64, 32, Blocks));
        var planar = Decode(path, 64, 32);
        for (var y = 0; y < 64; y++)
        {
            for (var x = 0; x < 32; x++)
            {
                if (Path.GetExtension(name) != ".png" && (y is >= 28 and < 36 || x is >= 12 and < 20))
                    continue;      // lossy colours bleed over edges
                var color = Blocks(y, x);
                var at = y * 32 + x;
                byte[] received = [planar[at], planar[2048 + at], planar[4096 + at]];
                AssertNear([color.Red, color.Green, color.Blue], received, Path.GetExtension(name) == ".png" ? 0 : 3);
            }
        }
    }

    [Fact]
    public void The_longer_side_is_cropped_to_its_centre()
    {
        var path = PictureFiles.Write(At("wide.png"),
            PictureFiles.Paint(20, 60, (_, x) => x is >= 20 and < 40 ? SKColors.Red : SKColors.Blue));
        var planar = Decode(path, 20, 20);
        Assert.All(planar[..400], value => Assert.Equal(255, value));
        Assert.All(planar[400..], value => Assert.Equal(0, value));
    }

    [Fact]
    public void A_fine_chequerboard_becomes_grey_and_not_a_coarser_chequerboard()
    {
        var path = PictureFiles.Write(At("chequers.png"),
            PictureFiles.Paint(210, 210, (y, x) => (y + x) % 2 == 0 ? SKColors.White : SKColors.Black));
        Assert.All(Decode(path, 30, 30), value => Assert.InRange(value, 126, 130));
    }

    [Fact]
    public void An_image_of_one_colour_keeps_it_at_any_size() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 40]).Sample((height, width, rows, columns) =>
        {
            var path = PictureFiles.WritePlain(At($"plain{height}.{width}.{rows}.{columns}.png"), new SKColor(10, 200, 77), height, width);
            var planar = Decode(path, rows, columns);
            var area = rows * columns;
            return planar[..area].All(v => v == 10) && planar[area..(2 * area)].All(v => v == 200)
                && planar[(2 * area)..].All(v => v == 77);
        }, iter: 50, threads: 1);

    [Fact]
    public void Halving_uses_a_triangle_filter_over_four_neighbours()
    {
        // A ramp of 8 columns to 4: away from the border a symmetric filter returns the mean of the two middle pixels; at the border
        // the triangle's taps 0.25, 0.75, 0.75 and 0.25 lose the first: (0.75 · 0 + 0.75 · 20 + 0.25 · 40) / 1.75.
        var path = PictureFiles.Write(At("ramp.png"), PictureFiles.Paint(8, 8, (_, x) => new SKColor((byte)(20 * x), 0, 0)));
        Assert.Equal([14, 50, 90, 126], Decode(path, 4, 4)[..4]);
    }

    [Fact]
    public void Transparent_pixels_are_blended_over_white()
    {
        var path = PictureFiles.Write(At("clear.png"), PictureFiles.Paint(2, 2, (y, _) => new SKColor(255, 0, 0, (byte)(y == 0 ? 0 : 51))));
        Assert.Equal([255, 255, 255, 255, 255, 255, 204, 204, 255, 255, 204, 204], Decode(path, 2, 2));
    }

    [Fact]
    public void Grey_images_give_equal_channels_and_a_single_channel_is_luma()
    {
        using var grey = new SKBitmap(new SKImageInfo(4, 4, SKColorType.Gray8, SKAlphaType.Opaque));
        grey.GetPixelSpan().Fill(93);
        Assert.All(Decode(PictureFiles.Write(At("grey.png"), grey), 4, 4), value => Assert.Equal(93, value));
        Assert.All(Decode(At("grey.png"), 4, 4, 1), value => Assert.Equal(93, value));
        // ITU-R BT.601: 0.299 · 255 = 76, 0.587 · 255 = 150, 0.114 · 255 = 29
        Assert.Equal(76, Decode(PictureFiles.WritePlain(At("red.png"), SKColors.Red), 1, 1, 1)[0]);
        Assert.Equal(150, Decode(PictureFiles.WritePlain(At("green.png"), SKColors.Lime), 1, 1, 1)[0]);
        Assert.Equal(29, Decode(PictureFiles.WritePlain(At("blue.png"), SKColors.Blue), 1, 1, 1)[0]);
    }

    [Fact]
    public void Sixteen_bits_per_channel_are_rounded_to_eight()
    {
        var path = PictureFiles.WriteDeep(At("deep.png"), 3, 3, 0x4040, 0xffff, 0x1234);
        var planar = Decode(path, 3, 3);
        Assert.All(planar[..9], value => Assert.Equal(0x40, value));
        Assert.All(planar[9..18], value => Assert.Equal(0xff, value));
        Assert.All(planar[18..], value => Assert.Equal(0x12, value));
    }

    [Theory, MemberData(nameof(Cuts))]
    public void A_truncated_image_is_rejected_and_named(string name, double share)
    {
        var path = PictureFiles.WriteNoise(At(name));
        PictureFiles.Cut(path, share);
        var error = Assert.Throws<InputException>(() => Decode(path, 16, 16));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("damaged", error.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("text.png", "these are words"), InlineData("empty.jpg", "")]
    public void A_file_that_is_not_an_image_is_rejected_and_named(string name, string content)
    {
        File.WriteAllText(At(name), content);
        Assert.Contains(At(name), Assert.Throws<InputException>(() => Decode(At(name), 8, 8)).Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("picture.txt", "a.png"), InlineData("picture.png", "a.jpg"), InlineData("picture", "a.webp")]
    public void The_format_is_detected_from_the_content(string name, string written)
    {
        File.Copy(PictureFiles.WritePlain(At(written), SKColors.Lime), At(name));
        AssertNear([0, 255, 0], Decode(At(name), 1, 1), 3);
    }

    [Fact]
    public void A_BMP_is_decoded_to_its_pixels()
    {
        var path = PictureFiles.WriteBmp(At("blocks.bmp"), 3, 5, (y, x) => new SKColor((byte)(60 * y), (byte)(50 * x), 7));
        var planar = Decode(path, 3, 5);
        Assert.Equal([.. Enumerable.Range(0, 15).Select(i => (byte)(60 * (i / 5)))], planar[..15]);
        Assert.Equal([.. Enumerable.Range(0, 15).Select(i => (byte)(50 * (i % 5)))], planar[15..30]);
        Assert.All(planar[30..], value => Assert.Equal(7, value));
    }

    [Fact]
    public void A_GIF_is_decoded_to_its_first_frame() =>
        Assert.Equal([255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255], Decode(PictureFiles.WriteGif(At("two.gif")), 2, 2));

    [Theory]
    [InlineData("HEIC", "\0\0\0\u0018ftypheic\0\0\0\0mif1heic")]
    [InlineData("HEIC", "\0\0\0\u0018ftypmif1\0\0\0\0mif1heic")]
    [InlineData("AVIF", "\0\0\0\u0018ftypavif\0\0\0\0mif1avif")]
    [InlineData("TIFF", "II*\0\u0008\0\0\0")]
    [InlineData("TIFF", "MM\0*\0\0\0\u0008")]
    [InlineData("PDF", "%PDF-1.7 ...")]
    [InlineData("SVG", "<?xml version='1.0'?>\n<!-- a drawing --><svg width='1' height='1'/>")]
    [InlineData("PSD", "8BPS\0\u0001\0\0\0\0\0\0")]
    public void An_unsupported_format_is_named_whatever_the_extension(string format, string content)
    {
        File.WriteAllBytes(At("a.jpg"), Encoding.Latin1.GetBytes(content));
        Assert.Equal($"The image {At("a.jpg")} is {format}, a format that is not supported. Convert it to PNG or JPEG, or remove it.",
            Assert.Throws<InputException>(() => Decode(At("a.jpg"), 8, 8)).Message);
    }

    [Fact]
    public void An_empty_file_is_reported_as_empty()
    {
        File.WriteAllText(At("empty.png"), "");
        Assert.Contains("is empty", Assert.Throws<InputException>(() => Decode(At("empty.png"), 8, 8)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_resembles_WBMP_is_rejected()
    {
        // WBMP: type 0, header 0, width 8, height 12, one byte per row
        File.WriteAllBytes(At("zeros.png"), [0, 0, 8, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        Assert.Contains("which is none of them", Assert.Throws<InputException>(() => Decode(At("zeros.png"), 8, 8)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_error_names_the_missing_file() =>
        Assert.Contains(At("none.png"), Assert.Throws<InputException>(() => Decode(At("none.png"), 8, 8)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_changed_byte_in_a_PNG_is_detected_by_its_checksum()
    {
        var path = PictureFiles.WriteNoise(At("flipped.png"));
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 0xff;
        File.WriteAllBytes(path, bytes);
        Assert.Throws<InputException>(() => Decode(path, 16, 16));
    }

    [Theory, InlineData(10_001, 10_000, true), InlineData(2_000_000_000, 2_000_000_000, true), InlineData(10_000, 10_000, false)]
    public void A_small_file_that_claims_over_100_megapixels_is_refused_before_it_is_decoded(int height, int width, bool refused)
    {
        var path = PictureFiles.WritePlain(At("bomb.png"), SKColors.Red);
        PictureFiles.ClaimSize(path, height, width);
        var error = Record.Exception(() => ImageDecoder.CheckHeader(path));
        if (refused)
            Assert.Contains(path, Assert.IsType<InputException>(error).Message, StringComparison.Ordinal);
        else
            Assert.Null(error);
        if (refused && height < 20_000)
            Assert.Contains("10001×10000", error!.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(2, 192), InlineData(3, 191)]
    public void A_buffer_of_the_wrong_size_throws_ArgumentException(int channels, int bytes) =>
        Assert.Throws<ArgumentException>(() => ImageDecoder.Decode(At("any.png"), 8, 8, new byte[bytes], channels));
}
