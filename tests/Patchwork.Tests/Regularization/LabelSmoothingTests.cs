using Patchwork.Losses;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Regularization;

[Collection(SerialCollection.Name)]
public sealed class LabelSmoothingTests : IDisposable
{
    private const int Classes = 5;
    private const double Epsilon = 0.1;

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Tensor labels = tensor(new long[] { 0, 3, 4, 3 });
    private readonly PairTargets pairs;
    private readonly Tensor logits;

    public LabelSmoothingTests()
    {
        new SeedStream(3).SeedTorch("logits");
        pairs = new PairTargets(labels, labels.roll(1, 0), [0.7, 0.25, 1, 0]);
        logits = randn(4, Classes, dtype: ScalarType.Float64);
    }

    public void Dispose() => scope.Dispose();

    private static Tensor Smoothed(Tensor distributions) => distributions * (1 - Epsilon) + Epsilon / Classes;

    private Tensor OneHot(Tensor ids) => nn.functional.one_hot(ids, Classes).to(ScalarType.Float64);

    [Fact]
    public void Smoothing_before_mixing_after_mixing_and_in_the_loss_are_equivalent()
    {
        var before = new PairTargets(Smoothed(OneHot(pairs.A)), Smoothed(OneHot(pairs.B)), pairs.Lambdas);
        var after = pairs.Soft(Classes, ScalarType.Float64, Epsilon);
        Assert.True(before.Soft(Classes, ScalarType.Float64).allclose(after, 0, 1e-12));
        double[] losses =
        [
            before.Loss(logits, new CrossEntropy()).ToDouble(),
            new CrossEntropy().Evaluate(logits, after).ToDouble(),
            pairs.Loss(logits, new CrossEntropy { LabelSmoothing = Epsilon }).ToDouble(),
        ];
        Assert.All(losses, loss => Assert.Equal(losses[0], loss, 1e-6));
    }

    [Fact]
    public void Rows_sum_to_one_and_the_smallest_weight_is_epsilon_per_class()
    {
        var soft = pairs.Soft(Classes, ScalarType.Float64, Epsilon);
        Assert.All(soft.sum(1).data<double>().ToArray(), sum => Assert.Equal(1, sum, 1e-12));
        Assert.Equal(Epsilon / Classes, soft.min().ToDouble(), 1e-12);
        Assert.Equal(1 - Epsilon + Epsilon / Classes, soft[2].max().ToDouble(), 1e-12);      // λ = 1: the image's own class alone
    }

    // Applied twice, ε would become 1 - (1-ε)², so recipes that would apply it twice are rejected.
    [Fact]
    public void Smoothing_twice_would_be_stronger_and_is_rejected()
    {
        var twice = Smoothed(pairs.Soft(Classes, ScalarType.Float64, Epsilon));
        Assert.True(twice.allclose(pairs.Soft(Classes, ScalarType.Float64, 1 - (1 - Epsilon) * (1 - Epsilon)), 0, 1e-12));
        Assert.False(twice.allclose(pairs.Soft(Classes, ScalarType.Float64, Epsilon), 0, 1e-3));
        Assert.Equal(Epsilon,
            Assert.IsType<LabelSmoothing>(new Recipe { Method = "cutmix+labelsmoothing" }.Resolve().Stack.LabelRule).Epsilon);
        foreach (var method in (string[])["labelsmoothing", "cutmix+labelsmoothing"])
            Assert.Contains("once", Assert.Throws<InputException>(() =>
                new Recipe { Method = method, LabelSmoothing = 0.1 }.Resolve()).Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(-0.1), InlineData(1), InlineData(double.NaN)]
    public void Epsilon_outside_its_range_is_rejected(double epsilon) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new LabelSmoothing { Epsilon = epsilon });
}
