using CsCheck;
using Patchwork.Data;
using Patchwork.Imaging;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class RandomResizedCropTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-crop-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_window_is_inside_the_image_and_keeps_the_limits_of_area_and_aspect_ratio() =>
        Gen.Select(Gen.Int[1, 600], Gen.Int[1, 600], Gen.Double[0.01, 1], Gen.Double[1, 3], Gen.ULong)
            .Sample((height, width, scale, ratio, seed) =>
        {
            var window = new RandomResizedCrop { Scale = scale, Ratio = ratio }.Draw(height, width, new SeedStream(seed).Open("crop"));
            var share = window.Height * window.Width / ((double)height * width);
            var shape = window.Width / window.Height;
            // the largest share of the area that a window with an allowed aspect ratio can cover
            var possible = Math.Min(ratio * Math.Min(height, width) / Math.Max(height, width), 1);
            return window is { Top: >= 0, Left: >= 0 } && window.Top + window.Height <= height + 1e-9 && window.Left
                + window.Width <= width + 1e-9
                && share >= Math.Min(scale, possible) - 1e-9 && shape <= ratio + 1e-9 && shape >= 1 / ratio - 1e-9;
        });

    // On a square image hardly any draw is rejected: the area is uniform on [0.08, 1] before rejection, and the logarithm of the aspect
    // ratio is symmetric.
    [Fact]
    public void Areas_and_aspect_ratios_follow_their_distributions()
    {
        var draws = new SeedStream(5).Open("crop");
        var crop = new RandomResizedCrop { Scale = 0.08 };
        var windows = Enumerable.Range(0, 20_000).Select(_ => crop.Draw(1000, 1000, draws)).ToArray();
        // none of these can be rejected: 0.7 · 4/3 < 1
        var small = windows.Where(window => window.Height * window.Width < 0.7e6).ToArray();
        Assert.Equal((0.08 + 0.7) / 2, small.Average(window => window.Height * window.Width / 1e6), 0.005);
        Assert.Equal(0, small.Average(window => Math.Log(window.Width / window.Height)), 0.006);
        Assert.Equal(Math.Pow(2 * Math.Log(4.0 / 3), 2) / 12, small.Average(window => Math.Pow(Math.Log(window.Width / window.Height), 2)),
            0.001);
    }

    [Theory]
    [InlineData(60, 90, 3, 5, 40, 70, 32, 32)]
    [InlineData(60, 90, 0, 10, 11, 13, 32, 24)]
    [InlineData(200, 150, 20.5, 10.25, 150.5, 120.75, 17, 29)]
    public void A_window_is_resized_as_Pillow_does(int height, int width, double top, double left, double h, double w, int rows,
        int columns)
    {
        Python.Need("PIL");
        var path = PictureFiles.Write(Path.Combine(folder, "a.png"), PictureFiles.Paint(height, width, (y, x) =>
            new SKColor((byte)(y * 7 + x * 3), (byte)(128 + 120 * Math.Sin(x * 0.5 + y)), (byte)(x * y))));
        var expected = Python.Run("""
            import sys
            from PIL import Image
            top, left, h, w = (float(v) for v in sys.argv[2:6])
            rows, columns = int(sys.argv[6]), int(sys.argv[7])
            image = Image.open(sys.argv[1]).convert("RGB").resize((columns, rows), Image.BILINEAR, box=(left, top, left + w, top + h))
            for channel in image.split():
                print(*channel.getdata())
            """, [path, .. new object[] { top, left, h, w, rows, columns }.Select(value => FormattableString.Invariant($"{value}"))])
            .Split(['\n', ' '], StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).ToArray();
        var planar = new byte[3 * rows * columns];
        ImageDecoder.DecodeWindow(path, rows, columns, planar, (pictureHeight, pictureWidth) =>
        {
            Assert.Equal((height, width), (pictureHeight, pictureWidth));
            return new Window(top, left, h, w);
        });
        // Pillow rounds to levels between its two passes.
        Assert.All(planar.Zip(expected), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6), InlineData(7), InlineData(8)]
    public void A_window_is_cropped_from_the_upright_image(ushort orientation)
    {
        // Rotating the whole camera image upright and then cropping must equal decoding the window directly.
        var path = PictureFiles.Write(Path.Combine(folder, "camera.jpg"),
            PictureFiles.Paint(40, 64, (y, x) => new SKColor((byte)(y * 6), (byte)(x * 4), 99)));
        PictureFiles.InsertOrientation(path, orientation);
        var (height, width) = orientation > 4 ? (64, 40) : (40, 64);
        var whole = new byte[3 * height * width];
        ImageDecoder.Decode(path, height, width, whole);
        const int top = 7, left = 12, h = 20, w = 24;
        var cut = new byte[3 * h * w];
        ImageDecoder.DecodeWindow(path, h, w, cut, (_, _) => new Window(top, left, h, w));
        for (var channel = 0; channel < 3; channel++)
        {
            for (var y = 0; y < h; y++)
            {
                var expected = whole.AsSpan((channel * height + top + y) * width + left, w);
                Assert.True(expected.SequenceEqual(cut.AsSpan((channel * h + y) * w, w)), $"channel {channel}, row {y}");
            }
        }
    }

    [Fact]
    public void A_center_crop_equals_resizing_to_256_and_cropping_224()
    {
        var path = PictureFiles.Write(Path.Combine(folder, "wide.png"),
            PictureFiles.Paint(256, 300, (y, x) => new SKColor((byte)y, (byte)x, 7)));
        var planar = new byte[3 * 224 * 224];
        ImageDecoder.Decode(path, 224, 224, planar, centerCrop: 0.875);
        for (var i = 0; i < 224; i++)
            Assert.Equal(((byte)(i + 16), (byte)(i + 38)), (planar[i * 224], planar[224 * 224 + i]));
    }
}
