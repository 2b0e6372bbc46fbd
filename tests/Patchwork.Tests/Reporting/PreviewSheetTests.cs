using Patchwork.Reporting;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Reporting;

public sealed class PreviewSheetTests
{
    /// <summary>A disc on a shaded background, so that a pasted part is visible.</summary>
    private static Picture Disc(int height, int width, double hue, double centre) => new(height, width,
        [.. from y in Enumerable.Range(0, height) from x in Enumerable.Range(0, width) from c in Enumerable.Range(0, 3)
            let inside = Math.Pow((double)y / height - centre, 2) + Math.Pow((double)x / width - centre, 2) < 0.08
            select (byte)(inside ? 127 + 127 * Math.Sin(hue + c * 2.1) : 60 + 80.0 * (x + y) / (height + width) + 30 * Math.Cos(hue + c))]);

    private static Picture Paste(Picture image, Picture partner, int top, int left, int bottom, int right)
    {
        var rgb = image.Rgb.ToArray();
        for (var y = top; y < bottom; y++)
            for (var i = (y * image.Width + left) * 3; i < (y * image.Width + right) * 3; i++) rgb[i] = partner.Rgb[i];
        return new Picture(image.Height, image.Width, rgb);
    }

    internal static PreviewSheet Example(int height = 32, int width = 32)
    {
        var rows = Enumerable.Range(0, 3).Select(i =>
        {
            var (image, partner) = (Disc(height, width, i, 0.4), Disc(height, width, i + 2.5, 0.6));
            var mixed = Paste(image, partner, 4 + i, 8, height / 2 + 4 * i, width - 2);
            return new PreviewRow($"CutMix {i + 1}", "α 1, clipped box",
                [new(image, "label 3 cat"), new(partner, "label 5 dog"),
                    new(mixed, "λ 0.7148\nbox top 4, left 8, bottom 16, right 30\n0.71 cat + 0.29 dog"),
                    new(image.Difference(mixed), "28.5 % replaced")]);
        }).ToArray();
        return new PreviewSheet
        {
            Title = "CutMix on shapes",
            Subtitle = "λ is the weight of the image itself, measured from the box that was really pasted.",
            Columns = ["Original", "Partner", "Mixed", "Difference"],
            Rows = rows,
        };
    }

    [Fact]
    public void Every_picture_is_drawn_in_its_column()
    {
        var sheet = Example();
        using var bitmap = SKBitmap.Decode(sheet.Png());
        Assert.Equal(2 * 36 + 170 + 4 * 160 + 3 * 20, bitmap.Width);
        // The first pixel of the first picture is a 5×5 square; find it below the heading and compare every picture of the row with its
        // source.
        var first = sheet.Rows[0].Cells;
        var top = Enumerable.Range(0, bitmap.Height).First(y => bitmap.GetPixel(206, y) == At(first[0].Picture, 0, 0));
        for (var c = 0; c < first.Count; c++)
            for (var y = 0; y < 32; y++)
                for (var x = 0; x < 32; x++)
                    Assert.Equal(At(first[c].Picture, y, x), bitmap.GetPixel(206 + c * 180 + 5 * x + 2, top + 5 * y + 2));
    }

    private static SKColor At(Picture picture, int y, int x)
    {
        var i = (y * picture.Width + x) * 3;
        return new SKColor(picture.Rgb[i], picture.Rgb[i + 1], picture.Rgb[i + 2]);
    }

    [Fact]
    public void A_row_may_have_fewer_cells_and_no_name()
    {
        var sheet = Example(20, 48) with { Rows = [new PreviewRow("", "", [new(Disc(20, 48, 1, 0.5))])], Subtitle = "" };
        using var bitmap = SKBitmap.Decode(sheet.Png());
        Assert.Equal(2 * 36 + 4 * 192 + 3 * 20, bitmap.Width);
    }

    [Fact]
    public void A_sheet_without_pictures_or_with_more_cells_than_columns_is_rejected()
    {
        Assert.Throws<ArgumentException>(() => (Example() with { Rows = [] }).Png());
        Assert.Throws<ArgumentException>(() => (Example() with { Columns = ["one"] }).Png());
    }
}
