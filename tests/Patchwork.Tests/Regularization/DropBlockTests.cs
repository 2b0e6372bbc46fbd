using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Regularization;

[Collection(SerialCollection.Name)]
public sealed class DropBlockTests : IDisposable
{
    private static readonly BlockPlace Last = new(1, 1, 1, 1);
    private readonly DisposeScope _scope = NewDisposeScope();

    public DropBlockTests() => new SeedStream(7).SeedTorch("dropblock");

    public void Dispose() => _scope.Dispose();

    // The actual drop share for a nominal 10 % with blocks of 7, computed from the definitions: timm drops 93 % of a 7×7 map.
    [Theory]
    [InlineData(DropBlockLaw.Paper, 9.4, 9.3, 10.0)]
    [InlineData(DropBlockLaw.Timm, 13.3, 20.9, 93.0)]
    [InlineData(DropBlockLaw.Miguelvr, 8.4, 7.4, 5.5)]
    [InlineData(DropBlockLaw.Exact, 10.0, 10.0, 10.0)]
    public void Expected_drop_share_for_a_nominal_tenth_matches_the_definition(DropBlockLaw law, double at28, double at14, double at7)
    {
        var method = new DropBlock { Law = law, BlockSize = 7 };
        foreach (var (side, percent) in new[] { (28, at28), (14, at14), (7, at7) })
            Assert.Equal(percent, 100 * method.ExpectedDropShare(side, side, 0.1), 0.051);
    }

    [Fact]
    public void The_exact_law_drops_the_nominal_share_on_every_map()
    {
        foreach (var block in new[] { 1, 2, 3, 4, 7, 8, 20 })
            foreach (var (height, width) in new[] { (1, 1), (2, 9), (5, 4), (7, 7), (8, 8), (8, 3), (32, 17) })
                foreach (var share in new[] { 0, 0.01, 0.1, 0.5, 0.99, 1 })
                    Assert.Equal(share, new DropBlock { BlockSize = block }.ExpectedDropShare(height, width, share), 1e-12);
    }

    [Theory]
    [InlineData(DropBlockLaw.Exact, 4, 8, 8), InlineData(DropBlockLaw.Exact, 3, 9, 5), InlineData(DropBlockLaw.Exact, 7, 4, 4)]
    [InlineData(DropBlockLaw.Exact, 6, 4, 9)]
    [InlineData(DropBlockLaw.Paper, 4, 8, 6), InlineData(DropBlockLaw.Timm, 4, 8, 6), InlineData(DropBlockLaw.Timm, 9, 5, 11)]
    [InlineData(DropBlockLaw.Miguelvr, 4, 8, 6), InlineData(DropBlockLaw.Miguelvr, 9, 5, 7), InlineData(DropBlockLaw.TorchVision, 4, 8, 6)]
    public void Mean_dropped_share_of_many_masks_matches_the_expected_share(DropBlockLaw law, int block, int height, int width)
    {
        const double Share = 0.2;
        var method = new DropBlock { Law = law, BlockSize = block };
        var seeds = rand(method.SeedShape([20_000, 1, height, width])).lt(method.Gamma(height, width, Share)).to(ScalarType.Float32);
        var dropped = 1 - method.KeepMask(seeds, height, width).mean([1, 2, 3]);      // (N)
        var standardError = dropped.std().ToDouble() / Math.Sqrt(20_000);
        Assert.InRange(dropped.mean().ToDouble() - method.ExpectedDropShare(height, width, Share), -4.5 * standardError,
            4.5 * standardError);
    }

    [Theory, InlineData(4), InlineData(3)]
    public void Dropped_blocks_are_whole_squares_inside_the_map(int block)
    {
        var method = new DropBlock { BlockSize = block };
        var seeds = zeros(method.SeedShape([1, 1, 6, 9]));
        seeds[0, 0, 6 - block, 9 - block] = 1;      // the last position
        var mask = method.KeepMask(seeds, 6, 9);
        Assert.Equal(54 - block * block, mask.sum().ToDouble());
        Assert.Equal(0, mask[0, 0, (6 - block)..6, (9 - block)..9].sum().ToDouble());
    }

    [Fact]
    public void Kept_elements_are_scaled_to_a_mean_factor_of_one()
    {
        using var layer = new DropBlock { DropProbability = 0.3, BlockSize = 2 }.LayerAt(Last)!;
        var x = ones(2, 3, 8, 5).requires_grad_();
        var y = layer.call(x);
        Assert.Equal(1, y.mean().ToDouble(), 1e-5);
        Assert.Equal(2, y.unique().output.numel());
        y.sum().backward();
        Assert.Equal(ReferenceFill.Values(y), ReferenceFill.Values(x.grad!));
    }

    [Fact]
    public void A_map_that_is_dropped_completely_gives_zeros_not_infinities()
    {
        var y = DropBlock.Apply(ones(2, 3, 4, 4), zeros(2, 3, 4, 4));
        Assert.All(ReferenceFill.Values(y), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Evaluation_and_drop_probability_0_change_nothing()
    {
        var method = new DropBlock { DropProbability = 0.9 };
        using var layer = (DropBlockLayer)method.LayerAt(Last)!;
        var x = randn(2, 3, 8, 8);
        layer.Method = method with { DropProbability = 0 };
        Assert.Same(x, layer.call(x));
        layer.Method = method;
        layer.eval();
        Assert.Same(x, layer.call(x));
    }

    [Fact]
    public void The_drop_probability_is_0_before_the_last_two_stages_and_a_quarter_in_the_first_of_them()
    {
        var method = new DropBlock { DropProbability = 0.2 };
        Assert.Equal([0, 0, 0.05, 0.2], Enumerable.Range(1, 4)
            .Select(stage => method.DropProbabilityAt(new BlockPlace(stage, 4, stage, 4))));
        Assert.Null(method.LayerAt(new BlockPlace(2, 4, 2, 4)));
    }

    [Fact]
    public void No_tensors_leak()
    {
        using var layer = new DropBlock { DropProbability = 0.3 }.LayerAt(Last)!;
        var x = randn(2, 3, 8, 8);
        var live = LiveTensors.Settled();
        layer.call(x).Dispose();
        Assert.Equal(live, Tensor.TotalCount);
    }
}
