using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Saliency;
using Patchwork.Tests.Saliency;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class SnapMixTests : IDisposable
{
    private readonly ImageClassifier model;
    private readonly Tensor images, labels;

    public SnapMixTests()
    {
        new SeedStream(3).SeedTorch("test");
        model = ModelZoo.Create("resnet8", 4);
        images = randn(6, 3, 24, 32);
        labels = tensor(new long[] { 0, 1, 2, 3, 1, 2 });
    }

    public void Dispose()
    {
        model.Dispose();
        images.Dispose();
        labels.Dispose();
    }

    private MixPlan Plan(SnapMix mixer, int draw, Tensor? classes = null) =>
        mixer.Plan(MixContext.Of(images, new SeedStream(1).Open("mix", 0, draw)) with { Labels = classes ?? labels, Model = model });

    [Fact]
    public void A_label_weight_is_the_visible_share_of_its_class_activation_map()
    {
        using var scope = NewDisposeScope();
        var maps = ClassActivation.Of(model, images, labels).to(ScalarType.Float64);
        maps -= maps.amin([1, 2], keepdim: true);
        maps /= maps.sum([1, 2], keepdim: true);
        double Inside(int row, Box box) => maps[row].narrow(0, box.Top, box.Height).narrow(1, box.Left, box.Width).sum().ToDouble();
        var apart = 0.0;
        for (var draw = 0; draw < 10; draw++)
        {
            foreach (var (i, image) in Plan(new SnapMix { SameClass = SameClass.Apart }, draw).Images.Index())
            {
                if (image.Region is not ResizedRegion region)
                    continue;
                Assert.Equal(1 - Inside(i, region.Box), image.Lambda, 1e-5);
                Assert.Equal(Inside(image.Partner, region.Source), image.PartnerWeight, 1e-5);
                apart = Math.Max(apart, Math.Abs(image.Lambda + image.PartnerWeight - 1));
            }
        }
        Assert.True(apart > 0.01, "the two weights need not sum to 1");
    }

    [Fact]
    public void The_partners_box_is_resized_with_aligned_corners_to_the_images_box()
    {
        using var scope = NewDisposeScope();
        var plan = Plan(new SnapMix { Partners = Partners.Derangement }, 2);
        var mixed = new SnapMix().Apply(images, plan);
        foreach (var (i, image) in plan.Images.Index())
        {
            if (image.Region is not ResizedRegion { Box: var box, Source: var source })
                continue;
            var expected = images[i].clone();
            var part = images[image.Partner].narrow(1, source.Top, source.Height).narrow(2, source.Left, source.Width);
            expected.narrow(1, box.Top, box.Height).narrow(2, box.Left, box.Width).copy_(
                nn.functional.interpolate(part.unsqueeze(0), [box.Height, box.Width], mode: InterpolationMode.Bilinear,
                    align_corners: true)[0]);
            Assert.True(expected.allclose(mixed[i], 1e-5, 1e-6));
        }
        Assert.Contains(plan.Images, image => image.Region is ResizedRegion);
    }

    [Fact]
    public void Label_weights_of_two_images_of_one_class_follow_the_SameClass_rule()
    {
        using var scope = NewDisposeScope();
        var one = zeros_like(labels);
        foreach (var (rule, check) in ((SameClass, Func<ImagePlan, ImagePlan, bool>)[])
        [
            (SameClass.Whole, (image, apart) => Math.Abs(image.Lambda + image.PartnerWeight - 1) < 1e-12),
            (SameClass.Doubled, (image, apart) =>
                image.Lambda == image.PartnerWeight && Math.Abs(image.Lambda - apart.Lambda - apart.PartnerWeight) < 1e-12),
        ])
        {
            var (plan, apart) = (Plan(new SnapMix { SameClass = rule }, 4, one), Plan(new SnapMix { SameClass = SameClass.Apart }, 4, one));
            Assert.All(plan.Images.Zip(apart.Images).Where(pair => pair.First.Region is ResizedRegion), pair =>
                Assert.True(check(pair.First, pair.Second), $"{rule}: {pair}"));
            Assert.Contains(plan.Images, image => image.Region is ResizedRegion);
        }
    }

    [Fact]
    public void The_network_is_unchanged_and_the_same_stream_gives_the_same_plan()
    {
        using var scope = NewDisposeScope();
        var before = ModelState.InTraining(model, images);
        var plan = Plan(new SnapMix(), 5);
        before.AssertUnchanged();
        Assert.Equal(plan.ToJson(), Plan(new SnapMix(), 5).ToJson());
        Assert.Equal(plan.ToJson(), MixPlan.FromJson(plan.ToJson()).ToJson());
    }

    [Fact]
    public void The_loss_weights_the_loss_of_each_label()
    {
        using var scope = NewDisposeScope();
        var plan = Plan(new SnapMix(), 6);
        var logits = randn(6, 4, dtype: ScalarType.Float64);
        var loss = PairTargets.Of(labels, plan).Loss(logits, new Patchwork.Losses.CrossEntropy());
        var each = nn.functional.cross_entropy(logits, labels, reduction: nn.Reduction.None);
        var partners = tensor(plan.Partners().Select(partner => (long)partner).ToArray());
        var other = nn.functional.cross_entropy(logits, labels.index_select(0, partners), reduction: nn.Reduction.None);
        var expected = plan.Images.Select((image, i) => image.Lambda * each[i].ToDouble() + image.PartnerWeight * other[i].ToDouble())
            .Average();
        Assert.Equal(expected, loss.ToDouble(), 1e-9);
    }
}
