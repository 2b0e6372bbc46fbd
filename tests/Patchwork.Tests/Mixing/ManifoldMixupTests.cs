using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Tests.Support;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class ManifoldMixupTests : FeatureMixing
{
    [Fact]
    public void Manifold_mixup_at_the_input_is_bit_identical_to_mixup()
    {
        using var attached = new ManifoldMixup { Layers = [FeatureMixer.Input] }.Attach(model, images);
        var plan = attached.Draw(images, Draws(1));
        attached.Plan = plan;
        var pixels = new MixPlan("mixup", 16, 24, plan.Images, plan.Stream);
        Assert.False(attached.Input(images).ne(new Mixup().Apply(images, pixels)).any().item<bool>());
    }

    [Fact]
    public void One_layer_is_drawn_per_batch_and_lambda_has_the_moments_of_its_distribution()
    {
        using var attached = new ManifoldMixup().Attach(model, images);
        var plans = Enumerable.Range(0, 6_000).Select(step => attached.Draw(images, Draws(step))).ToArray();
        foreach (var layer in (string[])["input", "layer1", "layer2"])
            Assert.Equal(1 / 3.0, plans.Count(plan => plan.Layer == layer) / 6_000.0, 0.025);
        var lambdas = plans.Select(plan => plan.Images[0].Lambda).ToArray();
        Assert.Equal(0.5, lambdas.Average(), 0.012);
        Assert.Equal(1 / 20.0, lambdas.Average(lambda => (lambda - 0.5) * (lambda - 0.5)), 0.003);      // α = 2: 1 / (4(2α + 1))
        Assert.All(plans, plan => Assert.All(plan.Images, image => Assert.Equal(plan.Images[0].Lambda, image.Lambda)));
    }
}
