using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Tests.Saliency;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

/// <summary>Laws of every feature mixer of the catalogue, at the input and at layers of three sizes.</summary>
[Collection(SerialCollection.Name)]
public sealed class FeatureLawsTests : FeatureMixing
{
    public static TheoryData<string, string> Cases
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var id in Methods.All.Where(method => method.Create() is FeatureMixer).Select(method => method.Id))
                foreach (var layer in (string[])[FeatureMixer.Input, "layer1", "layer2", "layer3"])
                    rows.Add(id, layer);
            return rows;
        }
    }

    private static FeatureMixer Mixer(string id, string layer) =>
        (FeatureMixer)Methods.Find(id).Create() with { Layers = [layer], Partners = Partners.Derangement };

    private static (int Height, int Width) Size(string layer) => layer switch { "layer2" => (8, 12), "layer3" => (4, 6), _ => (16, 24) };

    [Theory, MemberData(nameof(Cases))]
    public void Lambda_is_the_kept_share_of_the_features_of_the_layer(string id, string layer)
    {
        using var attached = Mixer(id, layer).Attach(model, images);
        for (var step = 0; step < 30; step++)
        {
            var plan = attached.Draw(images, Draws(step));
            Assert.Equal((layer, Size(layer)), (plan.Layer, (plan.Height, plan.Width)));
            var shares = plan.Masks().to(ScalarType.Float64).mean([1, 2, 3]).data<double>().ToArray();
            Assert.All(plan.Images, (image, i) => Assert.Equal(shares[i], image.Lambda, 1e-7));
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void The_same_stream_gives_the_same_plan_and_it_round_trips_through_JSON(string id, string layer)
    {
        using var attached = Mixer(id, layer).Attach(model, images);
        var plan = attached.Draw(images, Draws(4));
        Assert.Equal(plan.ToJson(), attached.Draw(images, Draws(4)).ToJson());
        Assert.NotEqual(plan.ToJson(), attached.Draw(images, Draws(5)).ToJson());
        Assert.Equal(plan.ToJson(), MixPlan.FromJson(plan.ToJson()).ToJson());
    }

    [Theory, MemberData(nameof(Cases))]
    public void Training_is_mixed_and_evaluation_is_not(string id, string layer)
    {
        using var noGradient = no_grad();
        using var attached = Mixer(id, layer).Attach(model, images);
        foreach (var (training, mixed) in ((bool, bool)[])[(true, true), (false, false)])
        {
            if (layer == FeatureMixer.Input && !training)
                continue;      // the training loop mixes the images at the input, and evaluation has no training loop
            model.train(training);
            attached.Plan = null;
            var plain = model.call(attached.Input(images));
            attached.Plan = Changing(attached);
            Assert.Equal(mixed, model.call(attached.Input(images)).ne(plain).any().ToBoolean());
        }
    }

    // Draws until the plan changes something, because a box may be empty.
    private MixPlan Changing(FeatureAttachment attached) =>
        Enumerable.Range(0, 100).Select(step => attached.Draw(images, Draws(step)))
            .First(plan => plan.ChangesPixels && plan.ReplacedArea is > 0.1 and < 0.9);

    [Theory, MemberData(nameof(Cases))]
    public void The_gradient_reaches_every_parameter_and_both_images(string id, string layer)
    {
        using var attached = Mixer(id, layer).Attach(model, images);
        model.train();
        attached.Plan = Changing(attached);
        var input = images.clone().requires_grad_();
        // The input is mixed without a gradient history, as a batch is. Layers keep their history.
        attached.Targets(tensor(new long[] { 0, 1, 2, 3 }))
            .Loss(model.call(layer == FeatureMixer.Input ? attached.Input(images) : input), new CrossEntropy()).backward();
        Assert.All(model.parameters(), parameter => Assert.True(parameter.grad!.abs().sum().ToDouble() > 0));
        if (layer != FeatureMixer.Input)
            Assert.All(Enumerable.Range(0, 4), i => Assert.True(input.grad![i].abs().sum().ToDouble() > 0));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Attaching_and_detaching_leave_the_model_unchanged(string id, string layer)
    {
        var before = ModelState.InTraining(model, images);
        using (var attached = Mixer(id, layer).Attach(model, images))
            attached.Plan = Changing(attached);
        before.AssertUnchanged();
        using var noGradient = no_grad();
        model.eval();
        var plain = model.call(images);
        using (var attached = Mixer(id, layer).Attach(model, images))
            attached.Plan = Changing(attached);
        Assert.False(model.call(images).ne(plain).any().ToBoolean());
    }

    [Theory, MemberData(nameof(Cases))]
    public void Features_are_unchanged_at_probability_0_and_without_a_partner(string id, string layer)
    {
        using var noGradient = no_grad();
        model.eval();
        foreach (var module in model.named_modules().Where(module => module.name == layer))
            // hooks check the mode of their own layer; in training mode it uses the statistics of the batch, in both passes
            ((nn.Module)module.module).train();
        foreach (var (mixer, batch) in ((FeatureMixer, Tensor)[])[(Mixer(id, layer) with { Probability = 0 }, images),
            (Mixer(id, layer) with { Partners = Partners.Permutation }, images.narrow(0, 0, 1))])
        {
            var plain = model.call(batch);
            using var attached = mixer.Attach(model, batch);
            attached.Plan = attached.Draw(batch, Draws(1));
            Assert.False(attached.Plan.ChangesPixels);
            Assert.False(model.call(attached.Input(batch)).ne(plain).any().ToBoolean());
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void No_tensor_leaks(string id, string layer)
    {
        using var attached = Mixer(id, layer).Attach(model, images);
        using var labels = zeros(4, dtype: ScalarType.Int64);
        model.train();
        void Once(int step)
        {
            using var scope = NewDisposeScope();
            attached.Plan = attached.Draw(images, Draws(step));
            attached.Targets(labels).Loss(model.call(attached.Input(images)), new CrossEntropy()).backward();
        }
        Once(0);
        var before = LiveTensors.Settled();
        for (var step = 1; step < 6; step++)
            Once(step);
        Assert.Equal(before, LiveTensors.Settled());
    }
}
