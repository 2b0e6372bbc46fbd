using Patchwork.Imaging;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class ResizeMixTests
{
    // Mean pasted share for τ ~ U(0.1, 0.8), computed from the definition: 0.1587 at 32 px, 0.1735 at 224 px.
    [Theory, InlineData(32, 0.1587), InlineData(224, 0.1735)]
    public void The_mean_pasted_share_matches_the_definition(int side, double expected)
    {
        var mixer = new ResizeMix();
        var share = Enumerable.Range(0, 40_000)
            .Average(i => mixer.Plan(new MixContext(1, side, side, new SeedStream(1).Open("mix", 0, i))).ReplacedArea);
        Assert.Equal(expected, share, 0.002);
    }

    [Fact]
    public void The_pasted_patch_is_the_whole_partner_resized()
    {
        using var scope = NewDisposeScope();
        var images = randn(2, 3, 12, 20);
        var box = new Box(2, 3, 9, 14);
        var plan = new MixPlan("resizemix", 12, 20,
            [.. ((int[])[1, 0])
            .Select(partner => new ImagePlan(partner, new ResizedRegion(box, Box.Whole(12, 20), Interpolation.Nearest), 0.7, 0.7))],
            default);
        var mixed = new ResizeMix().Apply(images, plan);
        for (var y = 0; y < 12; y++)
        {
            for (var x = 0; x < 20; x++)
            {
                var (row, column) = box.Contains(y, x) ? ((y - 2) * 12 / 7, (x - 3) * 20 / 11) : (y, x);
                var source = box.Contains(y, x) ? images.flip(0) : images;
                Assert.Equal(source[0, 1, row, column].ToSingle(), mixed[0, 1, y, x].ToSingle());
            }
        }
        var bilinear = plan.Images.Select(image =>
            image with { Region = ((ResizedRegion)image.Region) with { Interpolation = Interpolation.Bilinear } }).ToArray();
        var smooth = new ResizeMix().Apply(images, new MixPlan("resizemix", 12, 20, bilinear, default));
        var expected = nn.functional.interpolate(images.flip(0), [7, 11], mode: InterpolationMode.Bilinear, align_corners: true);
        Assert.True(smooth.narrow(2, 2, 7).narrow(3, 3, 11).allclose(expected, 1e-6, 1e-6));
    }

    [Fact]
    public void A_box_of_a_small_image_may_be_empty()
    {
        var plans = Enumerable.Range(0, 200).Select(i => new ResizeMix().Plan(new MixContext(2, 5, 5, new SeedStream(1).Open("mix", 0, i))))
            .ToArray();
        Assert.Contains(plans, plan => plan.ReplacedArea == 0);
        Assert.All(plans.Where(plan => plan.ReplacedArea == 0), plan => Assert.Equal(1, plan.Images[0].Lambda));
    }

    [Fact]
    public void A_side_drawn_from_Beta_stays_in_its_range()
    {
        var mixer = new ResizeMix { BetaSide = true, Alpha = 0.1 };
        Assert.All(Enumerable.Range(0, 2_000), i =>
            Assert.InRange(Math.Sqrt(1 - mixer.Plan(new MixContext(1, 32, 32, new SeedStream(2).Open("mix", 0, i))).Images[0].DrawnLambda),
                0.1, 0.8));
    }
}
