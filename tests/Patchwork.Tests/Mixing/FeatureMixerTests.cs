using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class FeatureMixerTests : FeatureMixing
{
    // The part of the network after the layer must see the mixed features, which are computed by hand here.
    [Theory, InlineData(true), InlineData(false)]
    public void The_output_of_the_layer_is_mixed_once_and_passed_on(bool boxes)
    {
        FeatureMixer mixer = boxes ? new FeatureCutMix { Layers = ["layer1"] } : new ManifoldMixup { Layers = ["layer1"] };
        model.eval();
        Tensor? before = null, after = null;
        var layers = model.named_children().ToDictionary(child => child.name, child => child.module);
        using var attached = mixer.Attach(model, images);
        // this hook runs after that of the mixer
        ((nn.Module<Tensor, Tensor>)layers["layer1"]).register_forward_hook((_, _, output) =>
            before = output.alias().DetachFromDisposeScope());
        ((nn.Module<Tensor, Tensor>)layers["layer2"]).register_forward_pre_hook((_, input) =>
            after = input.alias().DetachFromDisposeScope());
        model.call(images);
        var plain = before!;
        model.train();
        foreach (var module in model.modules().OfType<TorchSharp.Modules.BatchNorm2d>())
            module.eval();      // so that the features equal those in evaluation mode
        attached.Plan = attached.Draw(images, Draws(3));
        model.call(images);
        var plan = attached.Plan!;
        var partners = tensor(plan.Partners().Select(p => (long)p).ToArray());
        var expected = plan.Masks() * plain + (1 - plan.Masks()) * plain.index_select(0, partners);
        Assert.True(plan.ChangesPixels);
        Assert.True(expected.allclose(after!, 1e-6, 1e-6));
        var again = model.call(images);      // the same batch again: a plan is for one pass
        attached.Plan = null;
        Assert.True(again.allclose(model.call(images)));
    }

    [Fact]
    public void Evaluation_and_a_detached_model_are_not_mixed()
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
    public void Attaching_leaves_the_statistics_unchanged_and_a_training_step_reaches_every_parameter()
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
    public void An_unknown_layer_is_rejected_with_the_existing_ones() =>
        Assert.Contains("layer3", Assert.Throws<ArgumentException>(() =>
            new FeatureCutMix { Layers = ["stage9"] }.Attach(model, images)).Message, StringComparison.Ordinal);
}
