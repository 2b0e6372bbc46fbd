using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Regularization;

[Collection(SerialCollection.Name)]
public sealed class ShakeDropTests : IDisposable
{
    private static readonly BlockPlace Last = new(4, 4, 3, 3);
    private readonly DisposeScope _scope = NewDisposeScope();

    public ShakeDropTests() => new SeedStream(5).SeedTorch("shakedrop");

    public void Dispose() => _scope.Dispose();

    [Theory, InlineData(ShakeDropLevel.Batch, 1), InlineData(ShakeDropLevel.Image, 3), InlineData(ShakeDropLevel.Channel, 6),
        InlineData(ShakeDropLevel.Pixel, 120)]
    public void A_level_shares_one_forward_factor_and_one_gradient_factor(ShakeDropLevel level, int different)
    {
        using var layer = new ShakeDrop { DropProbability = 1, Level = level }.LayerAt(Last);
        var x = ones(3, 2, 4, 5).requires_grad_();
        var y = layer.call(x);
        y.sum().backward();
        var (forward, backward) = (ReferenceFill.Values(y), ReferenceFill.Values(x.grad!));
        Assert.Equal(different, y.unique().output.numel());
        Assert.Equal(different, x.grad!.unique().output.numel());
        Assert.All(forward, value => Assert.InRange(value, -1, 1));
        Assert.All(backward, value => Assert.InRange(value, 0, 1));
        Assert.NotEqual(forward[0], backward[0]);
    }

    [Theory, InlineData(-1, 1), InlineData(0, 1), InlineData(0, 0)]
    public void Training_outputs_average_to_the_evaluation_output(double low, double high)
    {
        var method = new ShakeDrop { DropProbability = 0.5, Alpha = new(low, high) };
        using var layer = method.LayerAt(new BlockPlace(3, 4, 1, 3));      // p = 3/8
        var x = ones(1, 1, 1, 1);
        var mean = Enumerable.Range(0, 4000).Average(_ => layer.call(x).ToDouble());
        layer.eval();
        Assert.Equal(1 - 0.375 + 0.375 * (low + high) / 2, layer.call(x).ToDouble(), 1e-6);
        Assert.Equal(layer.call(x).ToDouble(), mean, 0.05);                // four standard errors of the widest law
    }

    [Fact]
    public void The_gate_is_open_with_its_probability()
    {
        using var layer = new ShakeDrop().LayerAt(Last);
        var x = ones(2, 1, 1, 1);
        var kept = Enumerable.Range(0, 4000).Count(_ => ReferenceEquals(layer.call(x), x));
        Assert.InRange(kept, 2000 - 130, 2000 + 130);
    }

    [Fact]
    public void Gradients_in_evaluation_are_scaled_like_the_output()
    {
        using var layer = new ShakeDrop().LayerAt(Last);
        layer.eval();
        var x = randn(2, 3, 4, 4).requires_grad_();
        layer.call(x).sum().backward();
        Assert.All(ReferenceFill.Values(x.grad!), value => Assert.Equal(0.5, value, 1e-7));
    }

    [Fact]
    public void The_input_is_not_modified_and_no_tensors_leak()
    {
        using var layer = new ShakeDrop { DropProbability = 1 }.LayerAt(Last);
        var x = randn(2, 3, 4, 4);
        var before = ReferenceFill.Values(x);
        var live = LiveTensors.Settled();
        layer.call(x).Dispose();
        Assert.Equal(live, Tensor.TotalCount);
        Assert.Equal(before, ReferenceFill.Values(x));
    }

    [Fact]
    public void Invalid_options_are_rejected()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ShakeDrop { DropProbability = 1.5 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ShakeDrop { Alpha = new(1, -1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ShakeDrop { Beta = new(0, double.NaN) });
    }
}
