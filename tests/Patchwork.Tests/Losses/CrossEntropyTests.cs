using Patchwork.Losses;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Losses;

public sealed class CrossEntropyTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // Softmax of (0, ln 3) is (1/4, 3/4), of (ln 4, 0) it is (4/5, 1/5).
    private static Tensor Logits => tensor(new[] { 0, Math.Log(3), Math.Log(4), 0 }, [2, 2]);

    private static Tensor Labels => tensor(new long[] { 1, 1 });

    [Fact]
    public void The_loss_of_a_class_id_is_its_negative_log_probability() =>
        AssertValues([-Math.Log(0.75), -Math.Log(0.2)], new CrossEntropy().PerSample(Logits, Labels));

    [Fact]
    public void The_loss_of_a_distribution_is_the_weighted_negative_log_probability() => AssertValues(
        [-0.3 * Math.Log(0.25) - 0.7 * Math.Log(0.75), -0.9 * Math.Log(0.8) - 0.1 * Math.Log(0.2)],
        new CrossEntropy().PerSample(Logits, tensor(new[] { 0.3, 0.7, 0.9, 0.1 }, [2, 2])));

    [Fact]
    public void Reductions_give_the_values_their_mean_or_their_sum()
    {
        double[] each = [-Math.Log(0.75), -Math.Log(0.2)];
        AssertValues(each, new CrossEntropy { Reduction = Reduction.None }.Evaluate(Logits, Labels));
        AssertValues([each.Average()], new CrossEntropy().Evaluate(Logits, Labels));
        AssertValues([each.Sum()], new CrossEntropy { Reduction = Reduction.Sum }.Evaluate(Logits, Labels));
    }

    [Theory, InlineData(0.1), InlineData(0.5)]
    public void Label_smoothing_equals_smoothing_the_targets_beforehand(double smoothing)
    {
        new Patchwork.Randomness.SeedStream(1).SeedTorch("test");
        var (logits, labels) = (randn(6, 4, dtype: ScalarType.Float64), tensor(new long[] { 0, 3, 2, 1, 1, 0 }));
        var oneHot = nn.functional.one_hot(labels, 4).to(ScalarType.Float64);
        var soft = new CrossEntropy().PerSample(logits, oneHot * (1 - smoothing) + smoothing / 4);
        var smoothed = new CrossEntropy { LabelSmoothing = smoothing };
        AssertValues(ReferenceFill.Values(soft), smoothed.PerSample(logits, labels));
        AssertValues(ReferenceFill.Values(soft), smoothed.PerSample(logits, oneHot));
    }

    [Fact]
    public void The_gradient_of_the_sum_is_probability_minus_target()
    {
        var logits = Logits.requires_grad_();
        new CrossEntropy { Reduction = Reduction.Sum }.Evaluate(logits, Labels).backward();
        AssertValues([0.25, -0.25, 0.8, -0.8], logits.grad!);
    }

    [Fact]
    public void Mismatched_shapes_and_types_are_rejected_and_named()
    {
        Tensor[] unfit =
        [
            tensor(new long[] { 1 }), tensor(1L), tensor(new[] { 1, 1 }), zeros(2, 3, dtype: ScalarType.Float64),
            zeros(2, 2), zeros(2, 2, 2, dtype: ScalarType.Float64),
        ];
        foreach (var targets in unfit)
        {
            var error = Assert.Throws<ArgumentException>(() => new CrossEntropy().PerSample(Logits, targets));
            Assert.Contains($"targets {targets.dtype}", error.Message, StringComparison.Ordinal);
        }
        Assert.Throws<ArgumentException>(() => new CrossEntropy().PerSample(zeros(2, 2, 2), Labels));
    }

    [Theory, InlineData(-0.01), InlineData(1), InlineData(double.NaN)]
    public void Smoothing_outside_its_range_is_refused(double smoothing) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new CrossEntropy { LabelSmoothing = smoothing });

    private static void AssertValues(double[] expected, Tensor actual) =>
        Assert.Equal(expected, ReferenceFill.Values(actual), (a, b) => Math.Abs(a - b) < 1e-12);
}
