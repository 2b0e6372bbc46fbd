using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Regularization;

/// <summary>Laws that hold for every label rule in the catalogue.</summary>
[Collection(SerialCollection.Name)]
public sealed class LabelLawsTests : IDisposable
{
    private const int Classes = 5;
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Tensor labels = tensor(new long[] { 0, 3, 4, 3 });
    private readonly PairTargets pairs;
    private readonly Tensor logits;

    public LabelLawsTests()
    {
        new SeedStream(3).SeedTorch("logits");
        pairs = new PairTargets(labels, labels.roll(1, 0), [0.7, 0.25, 1, 0]);
        logits = randn(4, Classes, dtype: ScalarType.Float64);
    }

    public void Dispose() => scope.Dispose();

    public static TheoryData<string> Rules => [.. Methods.All.Where(method => method.Create() is LabelRule).Select(method => method.Id)];

    private static LabelRule Rule(string id) => (LabelRule)Methods.Find(id).Create();

    [Theory, MemberData(nameof(Rules))]
    public void Distributions_stay_distributions_and_the_input_is_not_modified(string id)
    {
        foreach (var targets in (Tensor[])[nn.functional.one_hot(labels, Classes).to(ScalarType.Float64),
            pairs.Soft(Classes, ScalarType.Float64), full(1, Classes, 1.0 / Classes, dtype: ScalarType.Float64)])
        {
            var before = targets.clone();
            var ruled = Rule(id).Apply(targets);
            Assert.True(ruled.sum(1).allclose(ones(targets.size(0), dtype: ScalarType.Float64)));
            Assert.True(ruled.ge(0).all().ToBoolean());
            Assert.Equal(targets.shape, ruled.shape);
            Assert.False(targets.ne(before).any().ToBoolean());
        }
    }

    [Theory, MemberData(nameof(Rules))]
    public void A_linear_rule_commutes_with_mixing(string id)
    {
        var rule = Rule(id);
        var (a, b) = (nn.functional.one_hot(pairs.A, Classes).to(ScalarType.Float64),
            nn.functional.one_hot(pairs.B, Classes).to(ScalarType.Float64));
        var apart = (0.3 * rule.Apply(a) + 0.7 * rule.Apply(b)).allclose(rule.Apply(0.3 * a + 0.7 * b), 0, 1e-12);
        Assert.True(apart || !rule.IsLinear);
    }

    // However the loss implements the rule, its value is the plain loss of the targets after the rule, for class ids and for pairs.
    [Theory, MemberData(nameof(Rules))]
    public void The_loss_of_a_recipe_applies_the_rule_once(string id)
    {
        foreach (var kind in (LossKind[])[LossKind.CrossEntropy, LossKind.Binary])
        {
            var plain = new Recipe { Loss = kind }.Resolve().Loss;
            var ruled = new Recipe { Loss = kind, Method = $"cutmix+{id}" }.Resolve().Loss;
            var own = Rule(id).Apply(nn.functional.one_hot(labels, Classes).to(ScalarType.Float64));
            Assert.Equal(plain.Evaluate(logits, own).ToDouble(), ruled.Evaluate(logits, labels).ToDouble(), 1e-6);
            Assert.Equal(plain.Evaluate(logits, Rule(id).Apply(pairs.Soft(Classes, ScalarType.Float64))).ToDouble(),
                pairs.Loss(logits, ruled).ToDouble(), 1e-6);
            Assert.NotEqual(plain.Evaluate(logits, labels).ToDouble(), ruled.Evaluate(logits, labels).ToDouble(), 1e-4);
        }
    }

    // The rule also applies to a loss that has no support for it.
    [Theory, MemberData(nameof(Rules))]
    public void Any_loss_can_apply_the_rule_and_keeps_its_reduction(string id)
    {
        var focal = new Focal { Reduction = Reduction.Sum };
        var (rule, ruled) = (Rule(id), Rule(id).In(focal));
        Assert.Equal((Reduction.Sum, rule.IsLinear), (ruled.Reduction, ruled.IsLinear));
        Assert.Equal(focal.Evaluate(logits, rule.Apply(nn.functional.one_hot(labels, Classes).to(ScalarType.Float64))).ToDouble(),
            ruled.Evaluate(logits, labels).ToDouble(), 1e-9);
    }

    [Theory, MemberData(nameof(Rules))]
    public void No_tensors_leak(string id)
    {
        var (rule, ruled) = (Rule(id), Rule(id).In(new Focal()));
        var targets = pairs.Soft(Classes, ScalarType.Float64);
        var before = LiveTensors.Settled();
        rule.Apply(targets).Dispose();
        ruled.Evaluate(logits, labels).Dispose();
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void Label_smoothing_of_0_is_the_identity_and_smoothing_twice_is_rejected()
    {
        var targets = pairs.Soft(Classes, ScalarType.Float64);
        Assert.False(new LabelSmoothing { Epsilon = 0 }.Apply(targets).ne(targets).any().ToBoolean());
        Assert.True(new LabelSmoothing { Epsilon = 0.2 }.Apply(targets).allclose(pairs.Soft(Classes, ScalarType.Float64, 0.2)));
        Assert.Contains("once", Assert.Throws<ArgumentException>(() => new LabelSmoothing()
            .In(new CrossEntropy { LabelSmoothing = 0.1 })).Message, StringComparison.Ordinal);
    }
}
