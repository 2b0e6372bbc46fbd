using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class FeatureMixerTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly nn.Module<Tensor, Tensor> model;
    private readonly Tensor images;

    public FeatureMixerTests()
    {
        new SeedStream(1).SeedTorch("model");
        model = ModelZoo.Create("resnet8", 5);
        images = randn(4, 3, 16, 24);
    }

    public void Dispose()
    {
        model.Dispose();
        scope.Dispose();
    }

    private static Draws Draws(int step) => new SeedStream(7).Open("mix", 0, step);

    [Fact]
    public void At_the_input_it_is_mixup_to_the_bit()
    {
        using var attached = new ManifoldMixup { Layers = [FeatureMixer.Input] }.Attach(model, images);
        var plan = attached.Draw(images, Draws(1));
        attached.Plan = plan;
        var pixels = new MixPlan("mixup", 16, 24, plan.Images, plan.Stream);
        Assert.False(attached.Input(images).ne(new Mixup().Apply(images, pixels)).any().ToBoolean());
    }

    [Theory, InlineData("layer1", 16, 24), InlineData("layer2", 8, 12), InlineData("layer3", 4, 6)]
    public void A_box_is_drawn_in_the_size_of_the_features_and_their_area_makes_lambda(string layer, int height, int width)
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

    // The rest of the network behind the layer sees the mixed features: run it by hand.
    [Theory, InlineData(true), InlineData(false)]
    public void The_layers_output_is_mixed_once_and_the_rest_runs_on_it(bool boxes)
    {
        FeatureMixer mixer = boxes ? new FeatureCutMix { Layers = ["layer1"] } : new ManifoldMixup { Layers = ["layer1"] };
        model.eval();
        Tensor? before = null, after = null;
        var layers = model.named_children().ToDictionary(child => child.name, child => child.module);
        using var attached = mixer.Attach(model, images);
        ((nn.Module<Tensor, Tensor>)layers["layer1"]).register_forward_hook((_, _, output) => before = output.alias());      // runs behind ours
        ((nn.Module<Tensor, Tensor>)layers["layer2"]).register_forward_pre_hook((_, input) => after = input.alias());
        model.call(images);
        var plain = before!;
        model.train();
        foreach (var module in model.modules().OfType<TorchSharp.Modules.BatchNorm2d>())
            module.eval();      // so that features are those of evaluation
        attached.Plan = attached.Draw(images, Draws(3));
        model.call(images);
        var plan = attached.Plan!;
        var partners = tensor(plan.Partners().Select(p => (long)p).ToArray());
        var expected = plan.Masks() * plain + (1 - plan.Masks()) * plain.index_select(0, partners);
        Assert.True(plan.ChangesPixels);
        Assert.True(expected.allclose(after!, 1e-6, 1e-6));
        var again = model.call(images);      // the same batch once more: a plan is for one pass
        attached.Plan = null;
        Assert.True(again.allclose(model.call(images)));
    }

    [Fact]
    public void The_gradient_of_a_boxed_feature_reaches_the_image_that_is_shown_there_alone()
    {
        using var attached = new FeatureCutMix { Layers = ["conv1"] }.Attach(model, images);
        var region = new BoxRegion(new Box(4, 6, 12, 18));
        attached.Plan = new MixPlan("featurecutmix", 16, 24, [.. ((int[])[1, 0, 3, 2]).Select(partner => new ImagePlan(partner, region, 0.5, 0.5))], default) { Layer = "conv1" };
        var input = images.clone().requires_grad_();
        model.train();
        Tensor? features = null;
        var conv = (nn.Module<Tensor, Tensor>)model.named_children().First(child => child.name == "conv1").module;
        conv.register_forward_hook((_, _, output) => features = output.alias());
        model.call(input);
        features![0].narrow(1, 6, 4).narrow(2, 8, 8).sum().backward();      // inside the box of image 0: image 1's
        var reach = input.grad!.abs().sum([1, 2, 3]).gt(0).data<bool>().ToArray();
        Assert.Equal([false, true, false, false], reach);
    }

    [Fact]
    public void Evaluation_and_a_detached_model_are_plain()
    {
        model.eval();
        var plain = model.call(images);
        using (var attached = new ManifoldMixup { Layers = ["layer1"] }.Attach(model, images))
        {
            attached.Plan = attached.Draw(images, Draws(2));
            Assert.False(model.call(images).ne(plain).any().ToBoolean());
        }
        model.train();
        foreach (var module in model.modules().OfType<TorchSharp.Modules.BatchNorm2d>())
            module.eval();
        Assert.False(model.call(images).ne(plain).any().ToBoolean());
    }

    [Fact]
    public void A_training_step_reaches_every_parameter_and_learning_the_sizes_leaves_the_statistics_alone()
    {
        model.train();
        var statistics = model.named_buffers().ToDictionary(buffer => buffer.name, buffer => buffer.buffer.clone());
        using var attached = new ManifoldMixup().Attach(model, images);
        Assert.All(model.named_buffers(), buffer => Assert.False(buffer.buffer.ne(statistics[buffer.name]).any().ToBoolean()));
        Assert.True(model.training);
        attached.Plan = attached.Draw(images, Draws(5));
        var loss = attached.Targets(tensor(new long[] { 0, 1, 2, 3 })).Loss(model.call(attached.Input(images)), new CrossEntropy());
        loss.backward();
        Assert.All(model.parameters(), parameter => Assert.True(parameter.grad!.abs().sum().ToDouble() > 0));
    }

    [Fact]
    public void A_layer_that_is_not_there_is_refused_with_those_that_are() =>
        Assert.Contains("layer3", Assert.Throws<ArgumentException>(() => new FeatureCutMix { Layers = ["stage9"] }.Attach(model, images)).Message, StringComparison.Ordinal);
}
