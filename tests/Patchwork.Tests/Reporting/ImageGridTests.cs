using Patchwork.Reporting;
using Patchwork.Tests.Support;
using SkiaSharp;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Reporting;

[Collection(SerialCollection.Name)]
public sealed class ImageGridTests
{
    private static Picture Plain(byte red, byte green, byte blue, int height = 2, int width = 3) =>
        new(height, width, Enumerable.Range(0, height * width).SelectMany(_ => new[] { red, green, blue }).ToArray());

    private static SKColor[,] Pixels(byte[] png)
    {
        using var bitmap = SKBitmap.Decode(png);
        var pixels = new SKColor[bitmap.Height, bitmap.Width];
        for (var y = 0; y < bitmap.Height; y++)
            for (var x = 0; x < bitmap.Width; x++)
                pixels[y, x] = bitmap.GetPixel(x, y);
        return pixels;
    }

    [Fact]
    public void Three_pictures_in_two_columns_leave_the_last_cell_white()
    {
        var pixels = Pixels(ImageGrid.Compose([Plain(255, 0, 0), Plain(0, 255, 0), Plain(0, 0, 255)], columns: 2, padding: 1, scale: 2));
        Assert.Equal((11, 15), (pixels.GetLength(0), pixels.GetLength(1)));
        Assert.Equal(SKColors.White, pixels[0, 0]);
        Assert.Equal(SKColors.Red, pixels[1, 1]);
        Assert.Equal(SKColors.Red, pixels[4, 6]);
        Assert.Equal(SKColors.White, pixels[4, 7]);
        Assert.Equal(SKColors.Lime, pixels[1, 8]);
        Assert.Equal(SKColors.Blue, pixels[9, 6]);
        Assert.Equal(SKColors.White, pixels[9, 8]);
    }

    [Fact]
    public void One_picture_is_one_cell_with_exact_pixels()
    {
        var picture = new Picture(1, 2, [1, 2, 3, 250, 251, 252]);
        var pixels = Pixels(ImageGrid.Compose([picture], columns: 8, padding: 0));
        Assert.Equal((1, 2), (pixels.GetLength(0), pixels.GetLength(1)));
        Assert.Equal(new SKColor(1, 2, 3), pixels[0, 0]);
        Assert.Equal(new SKColor(250, 251, 252), pixels[0, 1]);
    }

    [Fact]
    public void Floats_are_clipped_and_rounded_and_grey_fills_all_channels()
    {
        using var images = tensor(new[] { -1f, 0.5f, 2f, float.NaN, 0.2f, 1f }).view(1, 1, 2, 3);
        var picture = Assert.Single(Picture.FromBatch(images));
        Assert.Equal((2, 3), (picture.Height, picture.Width));
        byte[] grey = [0, 128, 255, 0, 51, 255];
        Assert.Equal(grey.SelectMany(level => new[] { level, level, level }), picture.Rgb);
    }

    [Fact]
    public void Colour_bytes_with_any_strides_keep_their_pixels()
    {
        using var scope = NewDisposeScope();
        var interleaved = arange(2 * 2 * 3 * 3).to(ScalarType.Byte).view(2, 2, 3, 3); // (N, H, W, C)
        var pictures = Picture.FromBatch(interleaved.permute(0, 3, 1, 2));
        Assert.Equal(Enumerable.Range(0, 36).Select(i => (byte)i), pictures.SelectMany(picture => picture.Rgb));
    }

    [Fact]
    public void Drawing_keeps_no_tensor_alive()
    {
        using var images = rand(3, 3, 4, 4);
        var before = LiveTensors.Settled();
        for (var i = 0; i < 5; i++) _ = ImageGrid.Compose(images, columns: 2, captions: ["λ 0.7", "cat and dog", ""]);
        Assert.InRange(Tensor.TotalCount, 0, before + 4);
    }

    [Fact]
    public void The_difference_of_a_picture_from_itself_is_black()
    {
        var picture = Plain(10, 200, 30);
        Assert.All(picture.Difference(picture).Rgb, level => Assert.Equal(0, level));
        Assert.Equal([5, 100, 20], picture.Difference(Plain(15, 100, 50)).Rgb[..3]);
    }

    [Fact]
    public void Invalid_pictures_and_grids_are_rejected()
    {
        Assert.Throws<ArgumentException>(() => new Picture(2, 2, new byte[11]));
        Assert.Throws<ArgumentException>(() => ImageGrid.Compose(Array.Empty<Picture>(), 2));
        Assert.Throws<ArgumentException>(() => ImageGrid.Compose([Plain(0, 0, 0)], 0));
        Assert.Throws<ArgumentException>(() => ImageGrid.Compose([Plain(0, 0, 0)], 1, captions: []));
        using var twoChannels = zeros(1, 2, 3, 3);
        Assert.Throws<ArgumentException>(() => Picture.FromBatch(twoChannels));
    }
}
