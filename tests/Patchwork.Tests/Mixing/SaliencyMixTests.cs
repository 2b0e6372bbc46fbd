using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Saliency;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class SaliencyMixTests
{
    [Fact]
    public void The_box_is_centred_on_the_partners_most_salient_pixel_and_clipped_at_the_border()
    {
        using var scope = NewDisposeScope();
        var clipped = 0;
        for (var draw = 0; draw < 60; draw++)
        {
            new SeedStream((ulong)draw).SeedTorch("pictures");
            var images = rand(2, 3, 24, 32);
            var plan = new SaliencyMix
            {
                Partners =
                Partners.Derangement
            }.Plan(MixContext.Of(images, new SeedStream(1).Open("mix", 0, draw)));
            var map = FineGrained.Of(images.narrow(0, 1, 1))[0];
            var peak = Array.IndexOf(map, map.Max());
            var (image, side) = (plan.Images[0], Math.Sqrt(1 - plan.Images[0].DrawnLambda));
            var (halfHeight, halfWidth) = ((int)(24 * side) / 2, (int)(32 * side) / 2);
            var (row, column) = (peak / 32, peak % 32);
            var box = Assert.IsType<BoxRegion>(image.Region).Box;
            if (halfHeight > 0 && halfWidth > 0)
                Assert.Equal(new Box(Math.Max(row - halfHeight, 0), Math.Max(column - halfWidth, 0), Math.Min(row + halfHeight, 24),
                    Math.Min(column + halfWidth, 32)), box);
            Assert.Equal(1 - box.Area / (24.0 * 32), image.Lambda, 1e-12);
            clipped += box.Area < 4 * halfHeight * halfWidth ? 1 : 0;
        }
        Assert.InRange(clipped, 1, 59);
    }

    [Fact]
    public void FirstPartner_uses_one_saliency_map_for_the_whole_batch()
    {
        using var scope = NewDisposeScope();
        new SeedStream(5).SeedTorch("pictures");
        var images = rand(3, 1, 16, 16);
        MixPlan Plan(SalientImage map) =>
            new SaliencyMix { Map = map, Partners = Partners.Roll }.Plan(MixContext.Of(images, new SeedStream(7).Open("mix")));
        Assert.Single(Plan(SalientImage.FirstPartner).Images.Select(image => image.Region).Distinct());
        Assert.Equal(3, Plan(SalientImage.EachPartner).Images.Select(image => image.Region).Distinct().Count());
    }

    // OpenCV stretches bright and dark contrasts to 255 each, so the brightest place and the darkest place are equally salient in its map.
    // The first of them in row order is taken, as by the authors' argmax. Here that is the dark dot, although the bright one stands out
    // more than twice as much, and the bright one when the image is rotated by 180 degrees.
    [Fact]
    public void The_brightest_and_the_darkest_place_are_equally_salient_and_the_first_one_counts()
    {
        using var scope = NewDisposeScope();
        var picture = full(1, 1, 40, 40, 100, dtype: ScalarType.Byte);
        picture[0, 0, 8, 8] = 60;
        picture[0, 0, 30, 30] = 200;
        foreach (var (image, peak) in ((Tensor, (int, int))[])[(picture, (8, 8)), (picture.flip(2, 3), (9, 9))])
        {
            var map = FineGrained.Of(image)[0];
            Assert.Equal(2, map.Count(value => value == map.Max()));
            var first = Array.IndexOf(map, map.Max());
            Assert.Equal(peak, (first / 40, first % 40));
        }
    }

    [Fact]
    public void Planning_without_pixels_is_rejected() =>
        Assert.Contains("needs the pixels of a batch",
            Assert.Throws<InvalidOperationException>(() =>
            new SaliencyMix().Plan(new MixContext(2, 8, 8, new SeedStream(1).Open("mix")))).Message);
}
