using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class FeatureCutMixTests : FeatureMixing
{
    [Theory, InlineData("layer1", 16, 24), InlineData("layer2", 8, 12), InlineData("layer3", 4, 6)]
    public void A_box_is_drawn_at_feature_resolution_and_its_area_determines_lambda(string layer, int height, int width)
    {
        using var attached = new FeatureCutMix { Layers = [layer] }.Attach(model, images);
        for (var step = 0; step < 50; step++)
        {
            var plan = attached.Draw(images, Draws(step));
            Assert.Equal((layer, height, width), (plan.Layer, plan.Height, plan.Width));
            var box = ((BoxRegion)plan.Images[0].Region).Box;
            Assert.Equal(1 - box.Area / (double)(height * width), plan.Images[0].Lambda);
            Assert.Equal(plan.ToJson(), MixPlan.FromJson(plan.ToJson()).ToJson());
        }
    }

    [Fact]
    public void The_gradient_of_features_inside_the_box_reaches_only_the_partner()
    {
        using var attached = new FeatureCutMix { Layers = ["conv1"] }.Attach(model, images);
        var region = new BoxRegion(new Box(4, 6, 12, 18));
        attached.Plan = new MixPlan("featurecutmix", 16, 24,
            [.. ((int[])[1, 0, 3, 2]).Select(partner => new ImagePlan(partner, region, 0.5, 0.5))], default)
        { Layer = "conv1" };
        var input = images.clone().requires_grad_();
        model.train();
        Tensor? features = null;
        var conv = (nn.Module<Tensor, Tensor>)model.named_children().First(child => child.name == "conv1").module;
        conv.register_forward_hook((_, _, output) => features = output.alias().DetachFromDisposeScope());
        model.call(input);
        features![0].narrow(1, 6, 4).narrow(2, 8, 8).sum().backward();      // inside the box of image 0, where image 1 is shown
        var reach = input.grad!.abs().sum([1, 2, 3]).gt(0).data<bool>().ToArray();
        Assert.Equal([false, true, false, false], reach);
    }
}
