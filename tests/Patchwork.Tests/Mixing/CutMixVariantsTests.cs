using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Xunit;

namespace Patchwork.Tests.Mixing;

/// <summary>Laws of CutMix's variants and of the paper's ablations.</summary>
public sealed class CutMixVariantsTests
{
    private static MixPlan Plan(CutMix options, int count, int draw, int height = 32, int width = 32) =>
        options.Plan(new MixContext(count, height, width, new SeedStream(7).Open("mix", 0, draw)));

    private static Box BoxOf(ImagePlan image) => ((BoxRegion)image.Region).Box;

    [Theory]
    [InlineData(32, 0.1475)]
    [InlineData(64, 0.1532)]
    [InlineData(224, 0.1573)]
    public void Even_coverage_replaces_the_expected_mean_area(int side, double expected)
    {
        var options = new CutMix { Placement = Placement.EvenCoverage };
        var mean = Enumerable.Range(0, 40_000).Average(draw => 1 - Plan(options, 1, draw, side, side).Images[0].Lambda);
        Assert.Equal(expected, mean, 0.004);      // four standard errors
    }

    [Fact]
    public void Even_coverage_replaces_every_pixel_equally_often()
    {
        const int side = 12, draws = 40_000;
        var hits = new int[side * side];
        for (var draw = 0; draw < draws; draw++)
        {
            var box = BoxOf(Plan(new CutMix { Placement = Placement.EvenCoverage, FixedLambda = 0.75 }, 1, draw, side, side).Images[0]);
            for (var y = box.Top; y < box.Bottom; y++)
                for (var x = box.Left; x < box.Right; x++)
                    hits[y * side + x]++;
        }
        // A box side of 6 allows 18 centres per axis, of which 6 cover any given pixel.
        var expected = draws * (6.0 / 18) * (6.0 / 18);
        Assert.All(hits, count => Assert.InRange(count, expected - 5 * Math.Sqrt(expected), expected + 5 * Math.Sqrt(expected)));
    }

    [Fact]
    public void Min_max_draws_height_and_width_independently_within_their_range()
    {
        var options = new CutMix { Placement = Placement.MinMax, SideRange = (0.25, 0.75) };
        var boxes = Enumerable.Range(0, 4_000).Select(draw => BoxOf(Plan(options, 1, draw, 16, 40).Images[0])).ToArray();
        Assert.Equal(Enumerable.Range(4, 8), boxes.Select(box => box.Height).Distinct().Order());
        Assert.Equal(Enumerable.Range(10, 20), boxes.Select(box => box.Width).Distinct().Order());
        Assert.All(boxes, box => Assert.True(box.FitsIn(16, 40)));
        Assert.Contains(boxes, box => box.Bottom == 16);      // the last position is reached
        Assert.Contains(boxes, box => box.Right == 40);
    }

    [Fact]
    public void Reverse_and_roll_pair_as_timm_and_torchvision_do()
    {
        Assert.Equal([4, 3, 2, 1, 0], Plan(new CutMix { Partners = Partners.Reverse }, 5, 0).Partners());
        Assert.Equal([4, 0, 1, 2, 3], Plan(new CutMix { Partners = Partners.Roll }, 5, 0).Partners());
    }

    [Theory, InlineData(Partners.Permutation, 9), InlineData(Partners.Derangement, 8), InlineData(Partners.Reverse, 9),
        InlineData(Partners.Permutation, 1)]
    public void A_pair_is_mutual_and_shares_its_draw(Partners partners, int count)
    {
        for (var draw = 0; draw < 200; draw++)
        {
            var plan = Plan(new CutMix { Scope = Scope.Pair, Partners = partners, Probability = 0.7 }, count, draw);
            for (var i = 0; i < count; i++)
            {
                var image = plan.Images[i];
                Assert.Equal(i, plan.Images[image.Partner].Partner);
                Assert.Equal(image.Lambda, plan.Images[image.Partner].Lambda);
                Assert.Equal(BoxOf(image), BoxOf(plan.Images[image.Partner]));
            }
        }
        Assert.Throws<ArgumentException>(() => Plan(new CutMix { Scope = Scope.Pair, Partners = Partners.Roll }, 4, 0));
    }

    [Fact]
    public void Pairs_draw_independently()
    {
        var plan = Plan(new CutMix { Scope = Scope.Pair }, 64, 0);
        Assert.InRange(plan.Images.Select(image => image.DrawnLambda).Distinct().Count(), 30, 32);
    }

    [Fact]
    public void The_fixed_size_of_the_paper_is_a_quarter_of_the_image()
    {
        for (var draw = 0; draw < 200; draw++)
        {
            var image = Plan(new CutMix { FixedLambda = 0.75, Placement = Placement.Inside }, 1, draw).Images[0];
            Assert.Equal((16, 16, 0.75), (BoxOf(image).Height, BoxOf(image).Width, image.Lambda));
        }
    }

    [Fact]
    public void Label_weights_follow_their_rule()
    {
        for (var draw = 0; draw < 500; draw++)
        {
            var measured = Plan(new CutMix(), 1, draw).Images[0].Lambda;
            var drawn = Plan(new CutMix { LabelWeight = LabelWeight.Drawn }, 1, draw).Images[0];
            Assert.Equal(drawn.DrawnLambda, drawn.Lambda);
            Assert.Equal(measured >= 0.5 ? 1 : 0, Plan(new CutMix { LabelWeight = LabelWeight.OneHot }, 1, draw).Images[0].Lambda);
            Assert.Equal(measured < 1 ? 0.5 : 1, Plan(new CutMix { LabelWeight = LabelWeight.Complete }, 1, draw).Images[0].Lambda);
        }
    }

    [Fact]
    public void A_Gaussian_centre_is_normally_distributed_around_the_middle()
    {
        var options = new CutMix { Centre = Centre.Gaussian, CentreDeviation = 0.1, FixedLambda = 0.99 };
        var rows = Enumerable.Range(0, 20_000).Select(draw => BoxOf(Plan(options, 1, draw, 200, 200).Images[0]))
            .Select(box => (box.Top + box.Bottom) / 2.0).ToArray();
        var mean = rows.Average();
        Assert.Equal(99.5, mean, 0.6);
        Assert.Equal(20, Math.Sqrt(rows.Average(row => (row - mean) * (row - mean))), 0.5);
    }

    [Fact]
    public void A_margin_keeps_the_box_from_being_clipped()
    {
        // Half of the box is the widest margin, with which nothing is clipped at all.
        var options = new CutMix { Margin = 0.5, FixedLambda = 0.75 };
        Assert.All(Enumerable.Range(0, 2_000), draw => Assert.Equal(0.75, Plan(options, 1, draw).Images[0].Lambda));
    }

    [Fact]
    public void The_Keras_preset_draws_alpha_below_one_and_labels_by_the_drawn_lambda()
    {
        // λ ~ Beta(a, a), a ~ U(0, 1]: variance E[1 / (4·(2a + 1))] = ln(3) / 8.
        var lambdas = Enumerable.Range(0, 20_000).Select(draw => Plan(CutMix.Presets.Keras, 1, draw).Images[0]).ToArray();
        Assert.Equal(0.5, lambdas.Average(image => image.Lambda), 0.011);
        Assert.Equal(Math.Log(3) / 8, lambdas.Average(image => Math.Pow(image.Lambda - 0.5, 2)), 0.003);
        foreach (var image in lambdas.Take(500))
        {
            var (pixels, ring) = (32 * 32 * (1 - new BoxRegion(BoxOf(image)).KeptShare(32, 32)), 4 * 33);
            Assert.InRange(pixels - 1024 * (1 - image.Lambda), -ring, ring);
        }
    }

    [Fact]
    public void Real_valued_corners_outside_the_image_are_rejected() =>
        Assert.Throws<ArgumentException>(() => Plan(new CutMix { Rounding = Rounding.Corners }, 2, 0));

    [Theory, InlineData(-0.1), InlineData(0.51), InlineData(double.NaN)]
    public void A_margin_outside_its_range_is_refused(double margin) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new CutMix { Margin = margin });

    [Fact]
    public void Only_the_Keras_preset_draws_per_image()
    {
        foreach (var (name, preset) in CutMix.Presets.All)
        {
            var plan = Plan(preset with { Probability = 1 }, 6, 3);
            Assert.Equal(6, plan.Images.Count);
            Assert.Equal(name == "keras", plan.Images.Select(image => image.DrawnLambda).Distinct().Count() > 1);
        }
    }
}
