using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Regularization;

[Collection(SerialCollection.Name)]
public sealed class CutoutTests
{
    // vectors/cutout.json has the masks of the authors' code and of Composer's two placements for recorded centres, and the ranges from
    // which Composer draws centres. Composer gives the side as a share of the image's shorter side, rounded down.
    [Theory, InlineData("devries", 45), InlineData("composer", 12), InlineData("composer_uniform", 12)]
    public void Masks_match_those_of_the_recorded_systems(string system, int cases)
    {
        using var recorded = Vectors.Open("cutout.json");
        var seen = 0;
        foreach (var one in recorded.RootElement.GetProperty("cases").EnumerateArray()
            .Where(one => one.GetProperty("system").GetString() == system))
        {
            var (height, width) = (one.GetProperty("H").GetInt32(), one.GetProperty("W").GetInt32());
            var length = system == "devries" ? one.GetProperty("length").GetInt32()
                : (int)(one.GetProperty("length_fraction").GetDouble() * Math.Min(height, width));
            if (one.TryGetProperty("draw_ranges", out var ranges))
            {
                var cutout = new Cutout { Length = length, EvenCoverage = system == "composer_uniform" };
                Assert.Equal((ranges[0][0].GetInt32(), ranges[0][1].GetInt32()), cutout.Centres(height, length));
                Assert.Equal((ranges[1][0].GetInt32(), ranges[1][1].GetInt32()), cutout.Centres(width, length));
            }
            var centres = one.GetProperty("centres_row_col").EnumerateArray()
                .Select(centre => (Row: centre[0].GetInt32(), Column: centre[1].GetInt32()));
            var mask = new float[height * width];
            new FillRegion([.. centres.Select(centre => Cutout.Hole(centre.Row, centre.Column, length / 2, height, width))], Fill.Mean)
                .WriteMask(mask, height, width);
            Assert.Equal(one.GetProperty("mask").Numbers(), mask.Select(value => (double)value));
            seen++;
        }
        Assert.Equal(cases, seen);
    }

    // The expected removed share at 32 pixels, computed from the definition. A hole of length 16 lies fully inside with probability
    // (17/32)².
    [Theory, InlineData(16, 0.1914), InlineData(8, 0.0549), InlineData(20, 0.2781)]
    public void Mean_removed_share_matches_the_definition(int length, double expected)
    {
        var plans = Enumerable.Range(0, 100)
            .Select(i => new Cutout { Length = length }.Plan(new MixContext(400, 32, 32, new SeedStream(1).Open("erase", 0, i)))).ToArray();
        Assert.Equal(expected, plans.Average(plan => plan.ReplacedArea), 0.002);
        if (length == 16)
            Assert.Equal(17 * 17 / 1024.0, plans.SelectMany(plan => plan.Images)
                .Average(image => ((FillRegion)image.Region).Holes[0].Area == 256 ? 1.0 : 0), 0.01);
    }

    // With the authors' centres, a corner pixel is erased with a quarter of the probability of one in the middle; with even coverage, all
    // pixels are equally likely.
    [Theory, InlineData(false, 0.25), InlineData(true, 1)]
    public void Every_pixel_is_erased_equally_often_with_even_coverage(bool even, double cornerShare)
    {
        var erased = new double[16 * 16];
        for (var i = 0; i < 40; i++)
        {
            foreach (var image in new Cutout
            {
                Length = 6,
                EvenCoverage =
                even
            }.Plan(new MixContext(1000, 16, 16, new SeedStream(4).Open("erase", 0, i))).Images)
            {
                var mask = new float[erased.Length];
                image.Region.WriteMask(mask, 16, 16);
                for (var pixel = 0; pixel < mask.Length; pixel++)
                    erased[pixel] += 1 - mask[pixel];
            }
        }
        // Per axis, 3 centres reach the last pixel, 4 the first and 6 one in the middle, so the last corner has (3/6)² of the probability
        // of the middle.
        Assert.Equal(cornerShare, erased[^1] / erased[8 * 16 + 8], 0.1);
    }

    [Fact]
    public void Holes_become_the_mean_and_other_pixels_and_the_input_stay_unchanged()
    {
        using var scope = NewDisposeScope();
        var images = randn(5, 3, 12, 9, dtype: ScalarType.Float64);
        var before = images.clone();
        var plan = new Cutout { Length = 6, Holes = 2 }.Plan(new MixContext(5, 12, 9, new SeedStream(3).Open("erase")));
        var erased = Eraser.Apply(images, plan);
        var kept = plan.Masks().to(ScalarType.Float64);
        Assert.True(erased.allclose(images.to(ScalarType.Float32).to(ScalarType.Float64) * kept));
        Assert.False(images.ne(before).any().ToBoolean());
        Assert.All(plan.Images, image => Assert.Equal((1.0, 1.0), (image.Lambda, image.DrawnLambda)));
        Assert.Throws<ArgumentException>(() => Eraser.Apply(images.to(ScalarType.Byte), plan));
    }
}
