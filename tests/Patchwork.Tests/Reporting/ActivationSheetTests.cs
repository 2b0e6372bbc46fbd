using Patchwork.Plans;
using Patchwork.Reporting;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Reporting;

public sealed class ActivationSheetTests
{
    private const int Margin = 36, Gap = 20;
    private static readonly Box Found = new(4, 6, 12, 20), Truth = new(8, 2, 30, 30);

    private static Picture Grey(int height, int width) => new(height, width, [.. Enumerable.Repeat((byte)128, height * width * 3)]);

    private static Activation Seen(int height, int width, string name = "circle") =>
        new(name, 0.931, new HeatMap(height, width, [.. Enumerable.Range(0, height * width).Select(i => (float)(i % width) / width)]),
            Found);

    private static ActivationSheet Sheet(int rows, int networks, int height = 32, int width = 32) => new()
    {
        Title = "What each network looks at",
        Networks = [.. ((string[])["baseline", "Mixup", "Cutout", "CutMix"]).Take(networks)],
        Rows = [.. Enumerable.Range(0, rows)
            .Select(_ =>
            new ActivationRow(Grey(height, width), "circle", [.. Enumerable.Repeat(Seen(height, width), networks)]) { TrueBox = Truth })],
    };

    [Theory, InlineData(32, 32, 160), InlineData(100, 100, 200), InlineData(224, 224, 224)]
    public void Small_pictures_are_enlarged_by_a_whole_factor_and_large_ones_keep_their_size(int height, int width, int drawn)
    {
        using var sheet = SKBitmap.Decode(Sheet(2, 4, height, width).Png());
        Assert.Equal(2 * Margin + 5 * drawn + 4 * Gap, sheet.Width);
        Assert.True(sheet.Height > 2 * drawn);
    }

    [Fact]
    public void Each_stage_has_its_own_picture()
    {
        using var sheet = SKBitmap.Decode((Sheet(1, 1) with { Stages = true, Networks = [""] }).Png());
        Assert.Equal(2 * Margin + 4 * 160 + 3 * Gap, sheet.Width);
        var top = Top(sheet);
        var (heat, mixed) = (Seen(32, 32).Map.ToPicture(), Seen(32, 32).Map.Over(Grey(32, 32)));
        // Compares one row of pixels below both boxes in each picture: original, heat map, overlay, box.
        for (var x = 0; x < 32; x++)
        {
            Assert.Equal(Grey(32, 32).At(31, x), At(0, 31, x));
            Assert.Equal(heat.At(31, x), At(1, 31, x));
            Assert.Equal(mixed.At(31, x), At(2, 31, x));
            Assert.Equal(Grey(32, 32).At(31, x), At(3, 31, x));
        }

        SKColor At(int column, int y, int x) => sheet.GetPixel(Margin + column * (160 + Gap) + 5 * x + 2, top + 5 * y + 2);
    }

    [Fact]
    public void The_box_from_the_map_is_a_solid_white_line_and_the_true_box_is_dashed()
    {
        using var sheet = SKBitmap.Decode(Sheet(1, 1).Png());
        var (top, left) = (Top(sheet), Margin + 160 + Gap);
        Assert.Equal(new Box(5 * Found.Top, 5 * Found.Left, 5 * Found.Bottom, 5 * Found.Right), Around(left, SKColors.White));
        var dashed = Around(left, new SKColor(0x00, 0xe5, 0xff));
        Assert.Equal(new Box(5 * Truth.Top, 5 * Truth.Left, 5 * Truth.Bottom, 5 * Truth.Right), dashed);
        Assert.Equal(dashed, Around(Margin, new SKColor(0x00, 0xe5, 0xff)));      // also on the original, which has no other box
        Assert.True(Around(Margin, SKColors.White).IsEmpty);
        Assert.True(Share(SKColors.White, Found) > 0.95);
        Assert.InRange(Share(new SKColor(0x00, 0xe5, 0xff), Truth), 0.3, 0.7);

        // The bounds of all pixels of a colour, one pixel wider on each side, because the line has an edge.
        Box Around(int edge, SKColor color)
        {
            var found = (from y in Enumerable.Range(0, 160)
                         from x in Enumerable.Range(0, 160)
                         where sheet.GetPixel(edge + x, top + y) == color
                         select (y, x)).ToArray();
            return found.Length == 0 ? Box.Empty
                : new Box(found.Min(p => p.y) - 1, found.Min(p => p.x) - 1, found.Max(p => p.y) + 2, found.Max(p => p.x) + 2);
        }

        double Share(SKColor color, Box box) => Enumerable.Range(5 * box.Left + 2, 5 * box.Width - 4)
            .Average(x => sheet.GetPixel(left + x, top + 5 * box.Bottom - 2) == color ? 1.0 : 0);
    }

    [Fact]
    public void A_row_without_one_of_the_networks_is_rejected()
    {
        var sheet = Sheet(1, 2) with { Networks = ["baseline", "Mixup", "CutMix"] };
        Assert.Contains("each of the 3 networks. Received: 2 for circle", Assert.Throws<ArgumentException>(sheet.Png).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>((Sheet(1, 1) with { Rows = [] }).Png);
    }

    // The first row of the original is the first one that is grey across a whole picture, as no text is.
    private static int Top(SKBitmap sheet) => Enumerable.Range(0, sheet.Height)
        .First(y => Enumerable.Range(Margin, 160).All(x => sheet.GetPixel(x, y) == new SKColor(128, 128, 128)));
}

file static class PictureColors
{
    public static SKColor At(this Picture picture, int y, int x) =>
        new(picture.Rgb[(y * picture.Width + x) * 3], picture.Rgb[(y * picture.Width + x) * 3 + 1],
        picture.Rgb[(y * picture.Width + x) * 3 + 2]);
}
