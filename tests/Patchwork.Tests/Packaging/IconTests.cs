using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Reporting;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Packaging;

/// <summary>The packages' icon is made by the library itself: a box of one image pasted into another.</summary>
public sealed class IconTests
{
    private const int Side = 128;

    [Fact]
    public void The_icon_is_a_mixed_image()
    {
        var drawn = Draw();
        using var stored = SKBitmap.Decode(Repository.File("docs/icon.png"));
        Assert.Equal((Side, Side), (stored.Width, stored.Height));
        Assert.Equal(drawn.Rgb, stored.Pixels.SelectMany(pixel => new[] { pixel.Red, pixel.Green, pixel.Blue }));
    }

    /// <summary>Draws a quilt of warm squares with a quilt of cool triangles in its box.</summary>
    internal static Picture Draw()
    {
        using var scope = NewDisposeScope();
        var pair = tensor([.. Planes(Warm), .. Planes(Cool)], [2, 3, Side, Side], dtype: ScalarType.Byte);
        ImagePlan Half(int partner) => new(partner, new BoxRegion(new Box(32, 32, 96, 96)), 0.75, 0.75);
        RegionMixing.InPlace(pair, new MixPlan("cutmix", Side, Side, [Half(1), Half(0)], new StreamId(0, "icon", 0, 0)));
        return Picture.FromBatch(pair)[0];
    }

    private static IEnumerable<byte> Planes(Func<int, int, uint> color) => new[] { 16, 8, 0 }.SelectMany(shift =>
        Enumerable.Range(0, Side * Side).Select(i => (byte)(color(i / Side, i % Side) >> shift)));

    // Patches of 32 pixels, seams of 2.
    private static uint Warm(int y, int x) => y % 32 < 2 || x % 32 < 2 ? 0xFFF4E6 : ((y / 32 + 2 * (x / 32)) % 4) switch
    {
        0 => 0xD9480Fu,
        1 => 0xF08C00u,
        2 => 0xE8590Cu,
        _ => 0xFAB005u,
    };

    // Squares of 32 pixels, each cut along its diagonal.
    private static uint Cool(int y, int x) => (y % 32 > x % 32, (y / 32 + x / 32) % 2 == 0) switch
    {
        (true, true) => 0x1864ABu,
        (false, true) => 0x4DABF7u,
        (true, false) => 0x0B7285u,
        _ => 0x66D9E8u,
    };
}
