using Patchwork.Imaging;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Imaging;

public sealed class TurboJpegTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-turbo-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string At(string name) => Path.Combine(folder, name);

    private static void NeedsTheLibrary() =>
        Assert.SkipUnless(TurboJpeg.IsInstalled, "libturbojpeg is not installed (Debian: libturbojpeg0)");

    // The same bytes through both decoders, as they are stored.
    private static void AssertSamePixels(string path)
    {
        using var codec = SKCodec.Create(path);
        var (height, width) = (codec.Info.Height, codec.Info.Width);
        byte[] skia = new byte[height * width * 4], turbo = new byte[height * width * 4];
        ImageDecoder.DecodeBySkia(codec, path, skia);
        Assert.True(TurboJpeg.TryDecode(File.ReadAllBytes(path), height, width, turbo), $"{path} was not decoded");
        Assert.True(skia.AsSpan().SequenceEqual(turbo), $"{path}: the two decoders differ");
    }

    [Theory]
    [InlineData(64, 64, 100, SKJpegEncoderDownsample.Downsample420)]
    [InlineData(37, 91, 90, SKJpegEncoderDownsample.Downsample420)]
    [InlineData(91, 37, 60, SKJpegEncoderDownsample.Downsample422)]
    [InlineData(33, 17, 95, SKJpegEncoderDownsample.Downsample444)]
    [InlineData(1, 1, 80, SKJpegEncoderDownsample.Downsample420)]
    [InlineData(480, 641, 75, SKJpegEncoderDownsample.Downsample420)]
    public void Both_decoders_give_the_same_pixels(int height, int width, int quality, SKJpegEncoderDownsample downsample)
    {
        NeedsTheLibrary();
        using var bitmap = PictureFiles.Paint(height, width, (y, x) =>
            new SKColor((byte)(y * 5 + x), (byte)(128 + 100 * Math.Sin(x * 0.3) * Math.Cos(y * 0.2)), (byte)(y * x / 7)));
        using var pixels = bitmap.PeekPixels();
        using (var file = File.Create(At("a.jpg")))
            Assert.True(pixels.Encode(file, new SKJpegEncoderOptions(quality, downsample, SKJpegEncoderAlphaOption.Ignore)));
        AssertSamePixels(At("a.jpg"));
    }

    [Fact]
    public void Both_decoders_give_the_same_greys()
    {
        NeedsTheLibrary();
        using var grey = new SKBitmap(new SKImageInfo(45, 31, SKColorType.Gray8, SKAlphaType.Opaque));
        for (var i = 0; i < grey.GetPixelSpan().Length; i++)
            grey.GetPixelSpan()[i] = (byte)(i * 7 / 3);
        AssertSamePixels(PictureFiles.Write(At("grey.jpg"), grey));
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
    public void A_file_that_was_cut_off_is_left_to_the_decoder_that_names_the_damage(double share)
    {
        NeedsTheLibrary();
        PictureFiles.WriteNoise(At("cut.jpg"));
        PictureFiles.Cut(At("cut.jpg"), share);
        Assert.False(TurboJpeg.TryDecode(File.ReadAllBytes(At("cut.jpg")), 64, 64, new byte[64 * 64 * 4]));
    }
}
