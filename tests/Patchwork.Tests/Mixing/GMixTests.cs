using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Xunit;

namespace Patchwork.Tests.Mixing;

public sealed class GMixTests
{
    private static ImagePlan Draw(int height, int width, int draw) =>
        new GMix().Plan(new MixContext(1, height, width, new SeedStream(6).Open("mix", 0, draw))).Images[0];

    [Fact]
    public void The_mask_is_a_Gaussian_around_a_pixel_and_shows_the_image_with_less_weight()
    {
        var (own, other) = (0, 0);
        for (var draw = 0; draw < 60; draw++)
        {
            var (image, (height, width)) = (Draw(20, 28, draw), (20, 28));
            var weights = ((MaskRegion)image.Region).Weights;
            var showsOwn = image.DrawnLambda < 0.5;
            var shown = weights.Select(weight => showsOwn ? weight : 1 - weight).ToArray();
            var centre = Array.IndexOf(shown, shown.Max());
            Assert.Equal(1, shown[centre]);
            var area = Math.Min(image.DrawnLambda, 1 - image.DrawnLambda) * height * width;
            foreach (var pixel in (int[])[0, 27, 100, 333, 559])
            {
                var (dy, dx) = (pixel / width - centre / width, pixel % width - centre % width);
                Assert.Equal(Math.Exp(-Math.PI * (dy * dy + dx * dx) / area), shown[pixel], 1e-5);
            }
            (own, other) = showsOwn ? (own + 1, other) : (own, other + 1);
        }
        Assert.True(own > 10 && other > 10);
    }

    // The integral of exp(-π·d²/A) over the plane is A.
    [Fact]
    public void A_Gaussian_inside_the_image_covers_the_smaller_of_the_two_weights()
    {
        var compared = 0;
        for (var draw = 0; draw < 400; draw++)
        {
            var image = Draw(96, 96, draw);
            var smaller = Math.Min(image.DrawnLambda, 1 - image.DrawnLambda);
            var weights = ((MaskRegion)image.Region).Weights;
            var peak = Array.IndexOf(weights, image.DrawnLambda < 0.5 ? weights.Max() : weights.Min());
            var margin = new[] { peak / 96, 95 - peak / 96, peak % 96, 95 - peak % 96 }.Min();
            if (smaller is < 0.01 or > 0.05 || margin < 1.3 * Math.Sqrt(smaller) * 96)      // beyond 3.2 standard deviations
                continue;
            Assert.Equal(smaller, image.DrawnLambda < 0.5 ? image.Lambda : 1 - image.Lambda, 1e-3);
            compared++;
        }
        Assert.True(compared >= 5, $"{compared}");
    }

    [Fact]
    public void The_label_weighs_the_mean_of_the_mask()
    {
        for (var draw = 0; draw < 60; draw++)
        {
            var image = Draw(13, 22, draw);
            var weights = ((MaskRegion)image.Region).Weights;
            Assert.Equal(weights.Sum(weight => (double)weight) / weights.Length, image.Lambda, 1e-12);
        }
    }
}
