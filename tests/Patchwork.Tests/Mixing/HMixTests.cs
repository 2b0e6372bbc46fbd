using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class HMixTests
{
    private static ImagePlan Draw(double ratio, int height, int width, int draw) => new HMix { Ratio = ratio }
        .Plan(new MixContext(2, height, width, new SeedStream(6).Open("mix", 0, draw))).Images[0];

    private static float[] Mask(ImagePlan image) => ((MaskRegion)image.Region).Weights;

    [Fact]
    public void With_ratio_0_it_is_Mixup()
    {
        for (var draw = 0; draw < 50; draw++)
        {
            var image = Draw(0, 12, 20, draw);
            Assert.All(Mask(image), weight => Assert.Equal((float)image.DrawnLambda, weight));
            Assert.Equal(image.DrawnLambda, image.Lambda);
        }
    }

    // λ is kept as drawn: what rounding and clipping take from the box is blended into the rest.
    [Fact]
    public void With_ratio_1_it_is_CutMix_except_for_what_the_box_lost()
    {
        for (var draw = 0; draw < 50; draw++)
        {
            var (image, stream) = (Draw(1, 12, 20, draw), new SeedStream(6).Open("mix", 0, draw));
            var cutmix = new CutMix().Plan(new MixContext(2, 12, 20, stream)).Images[0];
            var box = ((BoxRegion)cutmix.Region).Box;
            Assert.Equal(cutmix.DrawnLambda, image.DrawnLambda);
            Assert.All(Mask(image).Index(), pixel => Assert.Equal(box.Contains(pixel.Index / 20, pixel.Index % 20),
                pixel.Item == 0));
            var outside = Mask(image).Where(weight => weight > 0).Distinct();
            Assert.Equal(Math.Min(1, image.DrawnLambda / cutmix.Lambda), Assert.Single(outside), 1e-6);
        }
    }

    [Fact]
    public void The_box_has_the_share_r_of_the_partners_weight_and_the_label_is_lambda()
    {
        var inside = 0;
        for (var draw = 0; draw < 200; draw++)
        {
            var image = Draw(0.5, 64, 96, draw);
            var (kept, weights) = (Mask(image).Where(weight => weight > 0).ToArray(), Mask(image));
            Assert.True(kept.Length == 0 || kept.Distinct().Count() == 1);
            Assert.Equal(image.DrawnLambda, image.Lambda);
            Assert.Equal(image.Lambda, weights.Sum(weight => (double)weight) / weights.Length, 1e-6);
            var share = 1 - kept.Length / (double)weights.Length;
            Assert.True(share <= 0.5 * (1 - image.Lambda) + 1e-9);      // clipping makes it smaller
            // rounded down to an even number of pixels on each side
            inside += share >= 0.5 * (1 - image.Lambda) - 2 * (64 + 96) / (64.0 * 96) ? 1 : 0;
        }
        Assert.InRange(inside, 40, 199);
    }

    [Fact]
    public void On_constant_images_the_mean_of_the_mixed_image_is_the_weight_of_the_label()
    {
        using var scope = NewDisposeScope();
        var images = stack([ones(3, 9, 14), zeros(3, 9, 14)]);
        for (var draw = 0; draw < 20; draw++)
        {
            var mixer = new HMix { Partners = Partners.Derangement };
            var plan = mixer.Plan(new MixContext(2, 9, 14, new SeedStream(3).Open("mix", 0, draw)));
            Assert.Equal(plan.Images[0].Lambda, mixer.Apply(images, plan)[0].mean().ToDouble(), 1e-6);
        }
    }
}
