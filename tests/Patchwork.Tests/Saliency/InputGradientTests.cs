using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Saliency;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Saliency;

[Collection(SerialCollection.Name)]
public sealed class InputGradientTests
{
    // z = Wx: ∂CE/∂x = Wᵀ·(softmax(z) - onehot(y)), written out by hand.
    [Fact]
    public void The_map_of_a_linear_network_matches_the_analytic_gradient()
    {
        using var scope = NewDisposeScope();
        new SeedStream(1).SeedTorch("test");
        var model = nn.Sequential(("flatten", nn.Flatten()), ("fc", nn.Linear(2 * 3 * 4, 5)));
        var (images, labels) = (randn(6, 2, 3, 4), tensor(new long[] { 0, 1, 2, 3, 4, 0 }));
        var map = InputGradient.Of(model, images, labels);
        using var noGradient = no_grad();
        var gradient = (model.call(images).softmax(1) - nn.functional.one_hot(labels, 5)).mm(model.get_parameter("fc.weight")).reshape(6,
            2, 3, 4);
        Assert.Equal([6, 3, 4], map.shape);
        Assert.False(map.requires_grad);
        Assert.True(map.allclose(((gradient[.., 0].square() + gradient[.., 1].square()) / 2).sqrt(), 1e-5, 1e-7));
    }

    [Fact]
    public void The_map_of_an_image_does_not_depend_on_the_rest_of_the_batch_and_labels_may_be_distributions()
    {
        using var scope = NewDisposeScope();
        new SeedStream(2).SeedTorch("test");
        var model = ModelZoo.Create("resnet8", 4);
        var (images, labels) = (randn(5, 3, 16, 16), tensor(new long[] { 0, 1, 2, 3, 3 }));
        var together = InputGradient.Of(model, images, labels);
        using var noGradient = no_grad();      // the caller may have disabled gradients
        var alone = InputGradient.Of(model, images.narrow(0, 2, 1), labels.narrow(0, 2, 1));
        Assert.True(together.narrow(0, 2, 1).allclose(alone, 1e-4, 1e-7));
        var soft = InputGradient.Of(model, images, nn.functional.one_hot(labels, 4).to(ScalarType.Float32));
        Assert.True(together.allclose(soft, 1e-4, 1e-7));
        Assert.False(is_grad_enabled());
    }

    [Fact]
    public void The_network_is_unchanged_and_no_tensors_leak()
    {
        using var scope = NewDisposeScope();
        new SeedStream(3).SeedTorch("test");
        var model = ModelZoo.Create("resnet8", 4);
        var (images, labels) = (randn(4, 3, 16, 16), zeros(4, dtype: ScalarType.Int64));
        var state = ModelState.InTraining(model, images);
        InputGradient.Of(model, images, labels).Dispose();
        state.AssertUnchanged();
        Assert.False(images.requires_grad);
        var before = LiveTensors.Settled();
        for (var i = 0; i < 5; i++)
            InputGradient.Of(model, images, labels).Dispose();
        Assert.Equal(before, Tensor.TotalCount);
    }
}
