using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Saliency;
using Patchwork.Tests.Support;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Saliency;

[Collection(SerialCollection.Name)]
public sealed class ClassActivationTests
{
    // For images of 8×8 pixels, these networks end in a 1×1 map.
    [Theory]
    [InlineData("resnet8", 32), InlineData("resnet18", 32), InlineData("resnet18", 8), InlineData("preactresnet18", 32)]
    [InlineData("preactresnet18", 8), InlineData("wrn-16-4", 32), InlineData("pyramidnet110-a48", 16), InlineData("resnext29-32x4d", 16)]
    public void The_mean_of_a_map_is_the_logit_of_its_class(string id, int size)
    {
        using var scope = NewDisposeScope();
        new SeedStream(1).SeedTorch("test");
        var model = ModelZoo.Create(id, 4);
        var (images, classes) = (randn(5, 3, size, size), tensor(new long[] { 0, 1, 2, 3, 1 }));
        var maps = ClassActivation.AtFeatures(model, images, classes);
        model.eval();
        using var noGradient = no_grad();
        var logits = model.call(images).gather(1, classes.unsqueeze(1)).squeeze(1);
        Assert.Equal(size > 8, maps.shape[1] > 1);
        Assert.True(maps.mean([1, 2]).allclose(logits, 1e-4, 1e-5));
        var large = ClassActivation.Of(model, images, classes);
        Assert.Equal([5, size, size], large.shape);
        Assert.True(large.allclose(nn.functional.interpolate(maps.unsqueeze(1), [size, size], mode: InterpolationMode.Bilinear,
            align_corners: false).squeeze(1)));
    }

    // A network with two channels, the image and its negative: w = (1, 2), b = 0.5 turns 3 into 3.5 and -3 into 6.5.
    [Fact]
    public void A_map_is_the_weighted_sum_of_the_rectified_features_plus_the_bias()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var model = new Rectified();
        var maps = ClassActivation.AtFeatures(model, tensor(new float[] { 3, -3, 0, 1 }).reshape(1, 1, 2, 2), tensor(new long[] { 1 }));
        Assert.Equal([3.5f, 6.5f, 0.5f, 1.5f], maps.data<float>().ToArray());
    }

    [Fact]
    public void A_scaled_map_spans_0_to_1_keeps_the_maximum_and_ignores_the_bias()
    {
        using var scope = NewDisposeScope();
        new SeedStream(4).SeedTorch("test");
        var model = ModelZoo.Create("resnet8", 4);
        var (images, classes) = (randn(3, 3, 32, 32), tensor(new long[] { 2, 0, 3 }));
        var maps = ClassActivation.Scaled(model, images, classes);
        Assert.Equal([3, 32, 32], maps.shape);
        Assert.Equal([0f, 0f, 0f], maps.amin([1, 2]).data<float>().ToArray());
        Assert.Equal([1f, 1f, 1f], maps.amax([1, 2]).data<float>().ToArray());
        var raw = ClassActivation.Of(model, images, classes).flatten(1);
        Assert.Equal(raw.argmax(1).data<long>().ToArray(), maps.flatten(1).argmax(1).data<long>().ToArray());
        using (no_grad())
            model.named_parameters().Last(parameter => parameter.name.EndsWith("bias", StringComparison.Ordinal)).parameter.add_(7);
        Assert.True(ClassActivation.Scaled(model, images, classes).allclose(maps, 1e-3, 1e-4));
    }

    [Fact]
    public void A_flat_map_is_scaled_to_0()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        Assert.Equal(0, ClassActivation.Scaled(new Rectified(), zeros(1, 1, 2, 2), tensor(new long[] { 1 })).abs().max().ToDouble());
    }

    [Fact]
    public void The_network_is_unchanged_and_no_tensor_or_hook_leaks()
    {
        using var scope = NewDisposeScope();
        new SeedStream(3).SeedTorch("test");
        var model = ModelZoo.Create("resnet8", 4);
        var (images, classes) = (randn(4, 3, 16, 16), zeros(4, dtype: ScalarType.Int64));
        var state = ModelState.InTraining(model, images);
        ClassActivation.Of(model, images, classes).Dispose();
        state.AssertUnchanged();
        var before = LiveTensors.Settled();
        for (var i = 0; i < 5; i++)
        {
            using var step = NewDisposeScope();
            ClassActivation.Of(model, images, classes);
            model.eval();
            model.call(images);      // a leftover hook would keep tensors of this pass
        }
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void A_network_without_pooled_features_is_rejected()
    {
        using var scope = NewDisposeScope();
        var (images, classes) = (randn(2, 3, 4, 4), zeros(2, dtype: ScalarType.Int64));
        string Refusal(nn.Module<Tensor, Tensor> model) =>
            Assert.Throws<ArgumentException>(() => ClassActivation.Of(model, images, classes)).Message;
        Assert.Contains("must end in a linear layer", Refusal(nn.Sequential(nn.Conv2d(3, 2, 1))));
        Assert.Contains("must have a map of 48 channels", Refusal(nn.Sequential(nn.Flatten(), nn.Linear(48, 2))));
        var pooledByMaximum = nn.Sequential(nn.Conv2d(3, 8, 1), nn.AdaptiveMaxPool2d([1, 1]), nn.Flatten(), nn.Linear(8, 2));
        Assert.Contains("must follow global average pooling", Refusal(pooledByMaximum));
    }

    [Fact]
    public void A_pooling_layer_is_not_mistaken_for_the_feature_map()
    {
        using var scope = NewDisposeScope();
        var model = nn.Sequential(nn.Conv2d(3, 8, 1), nn.AdaptiveAvgPool2d([1, 1]), nn.Flatten(), nn.Linear(8, 2));
        Assert.Equal([2, 4, 4], ClassActivation.AtFeatures(model, randn(2, 3, 4, 4), zeros(2, dtype: ScalarType.Int64)).shape);
    }

    /// <summary>Applies ReLU outside of any layer, as pre-activation networks do before pooling.</summary>
    private sealed class Rectified : nn.Module<Tensor, Tensor>
    {
        private readonly Conv2d conv = nn.Conv2d(1, 2, 1, bias: false);
        private readonly Linear fc = nn.Linear(2, 2);

        public Rectified() : base(nameof(Rectified))
        {
            RegisterComponents();
            conv.weight!.copy_(tensor(new float[] { 1, -1 }).reshape(2, 1, 1, 1));
            fc.weight!.copy_(tensor(new float[] { 0, 0, 1, 2 }).reshape(2, 2));
            fc.bias!.copy_(tensor(new float[] { 0, 0.5f }));
        }

        public override Tensor forward(Tensor x) => fc.call(nn.functional.relu(conv.call(x)).mean([2, 3]));
    }

    // The last map of a deep network has a single position for small images, so no part of the image stands out.
    [Fact]
    public void A_map_of_one_position_is_flat_and_scaled_to_0()
    {
        using var scope = NewDisposeScope();
        var maps = tensor(new[] { 0.1f, -7.3f, 1e-3f }, [3, 1, 1]);
        Assert.True(ClassActivation.Enlarge(maps, 8, 12).eq(maps).all().ToBoolean());
        using var network = ModelZoo.Create("resnet18", 3, 3, 8);
        Assert.Equal(0, ClassActivation.Scaled(network, randn(2, 3, 8, 8), tensor([0L, 2L])).abs().max().ToSingle());
    }
}
