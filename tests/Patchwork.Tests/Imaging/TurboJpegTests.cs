using Patchwork.Imaging;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Imaging;

public sealed class TurboJpegTests : IDisposable
{
    private static readonly int[] Reductions = [1, 2, 4, 8];

    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-turbo-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string At(string name) => Path.Combine(folder, name);

    private static void NeedsTheLibrary() =>
        Assert.SkipUnless(TurboJpeg.IsInstalled, "libturbojpeg is not installed (Debian: libturbojpeg0)");

    // Compares the results of both decoders for the same bytes, not rotated, at full size and reduced.
    private static void AssertSamePixels(string path)
    {
        var file = File.ReadAllBytes(path);
        foreach (var reduction in Reductions)
        {
            using var codec = SKCodec.Create(path);
            var (height, width) = (codec.Info.Height, codec.Info.Width);
            var bytes = ImageDecoder.Reduced(height, reduction) * ImageDecoder.Reduced(width, reduction) * 4;
            byte[] skia = new byte[bytes], turbo = new byte[bytes];
            ImageDecoder.DecodeBySkia(codec, path, skia, reduction);
            Assert.True(TurboJpeg.TryDecode(file, height, width, reduction, turbo), $"{path} was not decoded at 1/{reduction}");
            Assert.True(skia.AsSpan().SequenceEqual(turbo), $"{path} at 1/{reduction}: the two decoders differ");
        }
    }

    [Theory]
    [InlineData(64, 64, 100, SKJpegEncoderDownsample.Downsample420)]
    [InlineData(37, 91, 90, SKJpegEncoderDownsample.Downsample420)]
    [InlineData(91, 37, 60, SKJpegEncoderDownsample.Downsample422)]
    [InlineData(33, 17, 95, SKJpegEncoderDownsample.Downsample444)]
    [InlineData(33, 17, 95, SKJpegEncoderDownsample.Downsample420)]
    [InlineData(127, 129, 85, SKJpegEncoderDownsample.Downsample420)]
    [InlineData(250, 183, 85, SKJpegEncoderDownsample.Downsample422)]
    [InlineData(7, 9, 85, SKJpegEncoderDownsample.Downsample420)]
    [InlineData(1, 1, 80, SKJpegEncoderDownsample.Downsample420)]
    [InlineData(480, 641, 75, SKJpegEncoderDownsample.Downsample420)]
    public void Both_decoders_give_the_same_pixels(int height, int width, int quality, SKJpegEncoderDownsample downsample)
    {
        NeedsTheLibrary();
        AssertSamePixels(PictureFiles.WriteJpeg(At("a.jpg"), PictureFiles.Paint(height, width, (y, x) =>
            new SKColor((byte)(y * 5 + x), (byte)(128 + 100 * Math.Sin(x * 0.3) * Math.Cos(y * 0.2)), (byte)(y * x / 7))), quality,
            downsample));
    }

    [Fact]
    public void Both_decoders_give_the_same_pixels_of_a_grey_file()
    {
        NeedsTheLibrary();
        using var grey = new SKBitmap(new SKImageInfo(45, 31, SKColorType.Gray8, SKAlphaType.Opaque));
        for (var i = 0; i < grey.GetPixelSpan().Length; i++)
            grey.GetPixelSpan()[i] = (byte)(i * 7 / 3);
        AssertSamePixels(PictureFiles.Write(At("grey.jpg"), grey));
    }

    [Fact]
    public void Both_decoders_give_the_same_pixels_of_a_progressive_file()
    {
        NeedsTheLibrary();
        File.WriteAllBytes(At("progressive.jpg"), PictureFiles.Progressive);
        AssertSamePixels(At("progressive.jpg"));
    }

    [Fact]
    public void Both_decoders_give_the_same_pixels_of_real_photographs()
    {
        NeedsTheLibrary();
        var data = Environment.GetEnvironmentVariable("PATCHWORK_DATA");
        var photographs = data is null ? "" : Path.Combine(data, "tiny-imagenet-20", "val", "images");
        Assert.SkipUnless(Directory.Exists(photographs), "PATCHWORK_DATA has no tiny-imagenet-20");
        foreach (var path in Directory.EnumerateFiles(photographs))
            AssertSamePixels(path);
    }

    [Theory, InlineData(0.3), InlineData(0.9)]
    public void A_truncated_file_is_left_to_the_decoder_that_reports_the_damage(double share)
    {
        NeedsTheLibrary();
        PictureFiles.WriteNoise(At("cut.jpg"));
        PictureFiles.Cut(At("cut.jpg"), share);
        Assert.False(TurboJpeg.TryDecode(File.ReadAllBytes(At("cut.jpg")), 64, 64, reduction: 1, new byte[64 * 64 * 4]));
    }
}
