using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Regularization;

[Collection(SerialCollection.Name)]
public sealed class StochasticDepthTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public StochasticDepthTests() => new SeedStream(6).SeedTorch("stochasticdepth");

    public void Dispose() => _scope.Dispose();

    public static TheoryData<StochasticDepthScale, StochasticDepthMode> Forms => new()
    {
        { StochasticDepthScale.Evaluation, StochasticDepthMode.Batch },
        { StochasticDepthScale.Evaluation, StochasticDepthMode.Row },
        { StochasticDepthScale.Training, StochasticDepthMode.Batch },
        { StochasticDepthScale.Training, StochasticDepthMode.Row },
    };

    [Theory, MemberData(nameof(Forms))]
    public void Training_outputs_average_to_the_evaluation_output(StochasticDepthScale scale, StochasticDepthMode mode)
    {
        using var layer = new StochasticDepth { DropProbability = 0.3, Scale = scale, Mode = mode }.LayerAt(new BlockPlace(2, 2, 1, 1));
        var x = ones(4, 1, 1, 1);
        var outputs = Enumerable.Range(0, 3000).Select(_ => ReferenceFill.Values(layer.call(x))).ToList();
        var factor = scale == StochasticDepthScale.Training ? 1 / 0.7 : 1;
        Assert.All(outputs.SelectMany(values => values), value => Assert.True(value == 0 || Math.Abs(value - factor) < 1e-6));
        Assert.Equal(mode == StochasticDepthMode.Batch, outputs.TrueForAll(values => values.Distinct().Count() == 1));
        layer.eval();
        var expected = ReferenceFill.Values(layer.call(x));
        Assert.Equal(scale == StochasticDepthScale.Training ? 1 : 0.7, expected[0], 1e-6);
        for (var image = 0; image < 4; image++)
            Assert.Equal(expected[image], outputs.Average(values => values[image]), 0.05);
    }

    [Theory, MemberData(nameof(Forms))]
    public void Drop_probability_0_is_the_identity_and_1_gives_zeros(StochasticDepthScale scale, StochasticDepthMode mode)
    {
        var x = randn(3, 2, 4, 5);
        foreach (var training in new[] { true, false })
        {
            using var never = new StochasticDepth { DropProbability = 0, Scale = scale, Mode = mode }.LayerAt(new BlockPlace(1, 1, 1, 1));
            using var always = new StochasticDepth { DropProbability = 1, Scale = scale, Mode = mode }.LayerAt(new BlockPlace(1, 1, 1, 1));
            never.train(training);
            always.train(training);
            Assert.Equal(ReferenceFill.Values(x), ReferenceFill.Values(never.call(x)));
            Assert.All(ReferenceFill.Values(always.call(x)), value => Assert.Equal(0, value));
        }
    }

    [Fact]
    public void The_gradient_passes_only_where_the_branch_is_kept()
    {
        var method = new StochasticDepth { Scale = StochasticDepthScale.Training };
        var x = randn(2, 1, 2, 2).requires_grad_();
        method.Apply(x, tensor(new float[] { 1, 0 }), 0.5).sum().backward();
        Assert.Equal([2, 2, 2, 2, 0, 0, 0, 0], ReferenceFill.Values(x.grad!));
    }

    [Fact]
    public void The_drop_probability_rises_linearly_with_depth_or_is_constant()
    {
        for (var l = 1; l <= 5; l++)
        {
            using var linear = (StochasticDepthLayer)new StochasticDepth().LayerAt(new BlockPlace(l, 5, 1, 1));
            using var constant = (StochasticDepthLayer)new StochasticDepth { Decays = false }.LayerAt(new BlockPlace(l, 5, 1, 1));
            Assert.Equal((0.25 * l / 5, 0.25), (linear.DropProbability, constant.DropProbability));
        }
    }

    [Fact]
    public void The_result_never_shares_memory_with_the_input()
    {
        var x = randn(2, 3, 4, 4);
        var before = ReferenceFill.Values(x);
        foreach (var training in new[] { true, false })
        {
            using var layer = new StochasticDepth { DropProbability = 0 }.LayerAt(new BlockPlace(1, 1, 1, 1));
            layer.train(training);
            var live = LiveTensors.Settled();
            layer.call(x).fill_(0).Dispose();
            Assert.Equal(live, Tensor.TotalCount);
            Assert.Equal(before, ReferenceFill.Values(x));
        }
    }
}
