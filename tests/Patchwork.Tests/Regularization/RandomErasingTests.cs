using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Regularization;

[Collection(SerialCollection.Name)]
public sealed class RandomErasingTests
{
    private static Box[] Boxes(RandomErasing eraser, int count) =>
    [
        .. Enumerable.Range(0, count / 1000)
            .SelectMany(i => eraser.Plan(new MixContext(1000, 32, 32, new SeedStream(9).Open("erase", 0, i))).Images)
            .Select(image => image.Region).OfType<FillRegion>().Select(region => region.Holes[0]),
    ];

    // The computed share of tall boxes at 32×32 after rounding and rejection: 0.747 for the uniform law, 0.483 for the log-uniform law
    // (areas up to 1/3).
    [Theory, InlineData(RatioLaw.Uniform, 0.4, 0.747), InlineData(RatioLaw.LogUniform, 1.0 / 3, 0.483)]
    public void Share_of_tall_boxes_matches_the_ratio_law(RatioLaw law, double most, double expected)
    {
        var boxes = Boxes(new RandomErasing { Probability = 1, RatioLaw = law, Area = (0.02, most) }, 60_000);
        Assert.Equal(expected, boxes.Count(box => box.Height > box.Width) / (double)boxes.Length, 0.01);
        Assert.All(boxes, box => Assert.True(box.FitsIn(32, 32) && box.Height < 32 && box.Width < 32));
        Assert.All(boxes, box => Assert.InRange(box.Area / 1024.0, 0.01, most + 0.04));      // sides are whole pixels
    }

    // The computed share of tries at 32×32 that are drawn again because the box is as tall or as wide as the image: 5.3 % and 0.8 %.
    [Theory, InlineData(RatioLaw.Uniform, 0.4, 0.053), InlineData(RatioLaw.LogUniform, 1.0 / 3, 0.008)]
    public void Share_of_boxes_that_do_not_fit_matches_the_ratio_law(RatioLaw law, double most, double expected)
    {
        var (eraser, draws) = (new RandomErasing { RatioLaw = law, Area = (0.02, most) }, new SeedStream(6).Open("erase"));
        var rejected = Enumerable.Range(0, 200_000).Count(_ => eraser.Sides(32, 32, draws) is null);
        Assert.Equal(expected, rejected / 200_000.0, 0.0015);
    }

    [Fact]
    public void The_probability_is_the_share_of_erased_images() =>
        Assert.Equal(0.5, Boxes(new RandomErasing(), 40_000).Length / 40_000.0, 0.012);

    [Fact]
    public void Noise_is_standard_normal_and_a_plan_reproduces_it()
    {
        using var scope = NewDisposeScope();
        var plan = new RandomErasing
        {
            Probability = 1,
            Fill =
            Fill.Noise
        }.Plan(new MixContext(200, 32, 32, new SeedStream(2).Open("erase")));
        var images = full(200, 3, 32, 32, 77f);
        var erased = Eraser.Apply(images, plan);
        var noise = erased.masked_select(erased.ne(77));
        Assert.Equal(0, noise.mean().ToDouble(), 0.02);
        Assert.Equal(1, noise.std().ToDouble(), 0.02);
        Assert.False(erased.ne(Eraser.Apply(images, MixPlan.FromJson(plan.ToJson()))).any().ToBoolean());
    }

    [Fact]
    public void An_image_without_room_for_a_box_is_unchanged() =>
        Assert.All(new RandomErasing { Probability = 1 }.Plan(new MixContext(50, 1, 1, new SeedStream(1).Open("erase"))).Images, image =>
            Assert.True(image.Region.IsEmpty));
}
