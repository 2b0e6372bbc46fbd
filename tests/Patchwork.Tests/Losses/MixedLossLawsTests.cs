using Patchwork.Losses;
using Patchwork.Plans;
using Patchwork.Randomness;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Losses;

/// <summary>Laws of every loss with mixed targets.</summary>
public sealed class MixedLossLawsTests : IDisposable
{
    private const int Classes = 5;
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Tensor logits;
    private readonly PairTargets targets;

    public MixedLossLawsTests()
    {
        new SeedStream(3).SeedTorch("test");
        logits = randn(8, Classes, dtype: ScalarType.Float64) * 3;
        targets = new PairTargets(randint(Classes, [8]), randint(Classes, [8]), [0, 0.1, 0.25, 0.4, 0.5, 0.73, 0.99, 1]);
    }

    public static TheoryData<Loss> Linear =>
    [
        new CrossEntropy(), new CrossEntropy { LabelSmoothing = 0.2 },
            new CrossEntropy { ClassWeights = [1, 2, 0.5, 3, 0.1], DivideByWeights = false },
        new CrossEntropy { ClassWeights = [1, 2, 0.5, 3, 0.1], DivideByWeights = false, LabelSmoothing = 0.3 },
        new BinaryCrossEntropy(), new BinaryCrossEntropy { SumClasses = true, LabelSmoothing = 0.1 }, new Focal(),
            new Focal { Gamma = 0.5 },
    ];

    public void Dispose() => scope.Dispose();

    [Theory, MemberData(nameof(Linear))]
    public void A_linear_loss_of_the_mixed_target_equals_the_mixed_losses(Loss loss)
    {
        Assert.True(loss.IsLinear);
        foreach (var reduction in Enum.GetValues<Reduction>())
        {
            var reduced = loss with { Reduction = reduction };
            Assert.True(targets.Loss(logits, reduced).allclose(reduced.Evaluate(logits, targets.Soft(Classes, ScalarType.Float64)), 1e-10,
                1e-10));
        }
    }

    [Theory, InlineData(Reduction.None), InlineData(Reduction.Sum)]
    public void A_weighted_loss_without_division_is_linear(Reduction reduction)
    {
        var loss = new CrossEntropy { ClassWeights = [1, 2, 0.5, 3, 0.1], Reduction = reduction };
        Assert.True(loss.IsLinear);
        Assert.True(targets.Loss(logits, loss).allclose(loss.Evaluate(logits, targets.Soft(Classes, ScalarType.Float64)), 1e-10, 1e-10));
    }

    public static TheoryData<Loss> NotLinear =>
    [
        new BinaryCrossEntropy { Threshold = 0.3 }, new CrossEntropy { ClassWeights = [1, 2, 0.5, 3, 0.1] },
    ];

    [Fact]
    public void A_loss_with_an_ignored_class_reports_that_it_is_not_linear()
    {
        var present = targets.A[^1].ToInt64();      // the label of the image that is not mixed
        foreach (var loss in (CrossEntropy[])[new(), new() { Reduction = Reduction.Sum },
            new() { ClassWeights = [1, 2, 0.5, 3, 0.1], DivideByWeights = false }])
        {
            var ignoring = loss with { IgnoreIndex = present };
            Assert.False(ignoring.IsLinear);
            Assert.False(targets.Loss(logits, ignoring).allclose(ignoring.Evaluate(logits, targets.Soft(Classes, ScalarType.Float64))));
        }
    }

    [Theory, MemberData(nameof(NotLinear))]
    public void A_loss_that_is_not_linear_reports_it(Loss loss)
    {
        Assert.False(loss.IsLinear);
        Assert.False(targets.Loss(logits, loss).allclose(loss.Evaluate(logits, targets.Soft(Classes, ScalarType.Float64))));
    }

    [Fact]
    public void Focal_loss_with_gamma_0_is_cross_entropy() =>
        Assert.True(new Focal { Gamma = 0 }.PerSample(logits, targets.A).allclose(new CrossEntropy().PerSample(logits, targets.A)));

    [Fact]
    public void Focal_loss_scales_each_class_by_the_power_of_its_missing_probability()
    {
        // Softmax of (0, ln 3) is (1/4, 3/4).
        var value = new Focal { Gamma = 2 }.PerSample(tensor(new[,] { { 0, Math.Log(3) } }), tensor(new long[] { 1 })).ToDouble();
        Assert.Equal(-(0.25 * 0.25) * Math.Log(0.75), value, 1e-12);
    }

    [Fact]
    public void An_ignored_class_counts_neither_in_the_loss_nor_in_the_mean()
    {
        var ids = tensor(new long[] { 0, 4, 2, 4, 1, 4, 3, 0 });
        var kept = tensor(new long[] { 0, 2, 4, 6, 7 });
        var loss = new CrossEntropy { IgnoreIndex = 4, ClassWeights = [1, 2, 0.5, 3, 9] };
        var without = new CrossEntropy { ClassWeights = loss.ClassWeights };
        Assert.True(loss.Evaluate(logits, ids).allclose(without.Evaluate(logits.index_select(0, kept), ids.index_select(0, kept))));
        Assert.Equal(0, loss.Evaluate(logits, full_like(ids, 4)).ToDouble());
    }

    [Fact]
    public void A_weighted_mean_matches_torch()
    {
        double[] weights = [1, 2, 0.5, 3, 0.1];
        var expected = nn.functional.cross_entropy(logits, targets.A, tensor(weights));
        Assert.True(new CrossEntropy { ClassWeights = weights }.Evaluate(logits, targets.A).allclose(expected));
    }

    [Fact]
    public void One_logit_equals_two_classes_with_the_difference_of_their_logits()
    {
        var labels = new PairTargets(tensor(new long[] { 1, 0, 1, 0 }), tensor(new long[] { 0, 0, 1, 1 }), [0.25, 0.5, 0.75, 1]);
        var two = randn(4, 2, dtype: ScalarType.Float64);
        var one = two.narrow(1, 1, 1) - two.narrow(1, 0, 1);
        var expected = labels.Loss(two, new CrossEntropy());
        Assert.True(labels.Loss(one, new BinaryCrossEntropy()).allclose(expected));
        Assert.True(new BinaryCrossEntropy().Evaluate(one, labels.Binary(ScalarType.Float64)).allclose(expected));
    }

    [Fact]
    public void Multi_hot_marks_every_class_with_a_positive_weight()
    {
        var labels = new PairTargets(tensor(new long[] { 0, 1, 2 }), tensor(new long[] { 1, 1, 0 }), [0.3, 0.5, 1]);
        Assert.True(labels.MultiHot(3).eq(tensor(new float[,] { { 1, 1, 0 }, { 0, 1, 0 }, { 0, 0, 1 } })).all().ToBoolean());
    }

    [Fact]
    public void Multi_hot_labels_are_mixed_by_weight()
    {
        var labels = new PairTargets(tensor(new double[,] { { 1, 1, 0 } }), tensor(new double[,] { { 0, 1, 1 } }), [0.75]);
        Assert.True(labels.Soft(3, ScalarType.Float64).allclose(tensor(new double[,] { { 0.75, 1, 0.25 } })));
        var logit = randn(1, 3, dtype: ScalarType.Float64);
        Assert.True(labels.Loss(logit, new BinaryCrossEntropy()).allclose(new BinaryCrossEntropy()
            .Evaluate(logit, labels.Soft(3, ScalarType.Float64))));
    }

    [Fact]
    public void Class_weights_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new CrossEntropy { ClassWeights = [1, 2] }.PerSample(logits, targets.A));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CrossEntropy { ClassWeights = [1, -2] });
        Assert.Throws<ArgumentException>(() => new BinaryCrossEntropy().PerSample(logits, targets.A.to(ScalarType.Int32)));
    }
}
