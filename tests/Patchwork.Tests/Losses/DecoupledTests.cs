using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Recipes;
using Patchwork.Tests.Support;
using Patchwork.Tests.Training;
using Patchwork.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Losses;

[Collection(SerialCollection.Name)]
public sealed class DecoupledTests : IDisposable
{
    private static readonly double[] Lambdas = [0.7, 0.2, 1, 0.5];

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Tensor a = tensor(new long[] { 0, 3, 2, 1 }), b = tensor(new long[] { 4, 1, 2, 1 });

    public void Dispose() => scope.Dispose();

    private static double[] Rest => [.. Lambdas.Select(lambda => 1 - lambda)];

    // By hand: the logits without the column of the other class, softmax, minus the logarithm of the class's own probability.
    private static double Without(double[] logits, int kept, int removed) =>
        Math.Log(logits.Where((_, k) => k != removed).Sum(Math.Exp)) - logits[kept];

    [Fact]
    public void The_terms_are_the_cross_entropies_without_the_other_class()
    {
        var logits = randn(4, 5, dtype: ScalarType.Float64);
        foreach (var decoupled in (Decoupled[])[new(), new() { Weight = 0.3, Threshold = 0.5, Power = 2 }, new() { Power = 0.5 }])
        {
            var terms = decoupled.Terms(logits, a, b, Lambdas, Rest).data<double>().ToArray();
            for (var i = 0; i < 2; i++)
            {
                var (own, other) = (a[i].ToInt32(), b[i].ToInt32());
                var row = logits[i].data<double>().ToArray();
                double Weight(double lambda) => decoupled.Weight * Math.Min(1, Math.Pow(lambda / decoupled.Threshold, decoupled.Power));
                Assert.Equal(Weight(Lambdas[i]) * Without(row, own, other) + Weight(1 - Lambdas[i]) * Without(row, other, own), terms[i], 1e-12);
            }
            Assert.Equal((0, 0), (terms[2], terms[3]));      // both labels are the same class
        }
    }

    // An image that was not mixed has the plain cross entropy, also in a batch with others that were.
    [Fact]
    public void An_image_whose_label_weighs_1_has_no_terms()
    {
        var terms = new Decoupled { Power = 0 }.Terms(randn(2, 5), a.narrow(0, 0, 2), b.narrow(0, 0, 2), [1, 0.5], [0, 0.5]);
        Assert.Equal(0, terms[0].ToSingle());
        Assert.NotEqual(0, terms[1].ToSingle());
    }

    // The first step of the same fit with and without the terms.
    [Theory, InlineData("mixup"), InlineData("manifoldmixup")]
    public void The_training_loss_contains_the_terms(string method)
    {
        (double Loss, double Terms) First(Decoupled? decoupled)
        {
            using var fit = new TrainerTests.Fit();
            var seen = new FirstLoss();
            Callback mixing = Methods.Find(method).Create() is Mixer mixer ? new MixingCallback(mixer) { Decoupled = decoupled }
                : new FeatureMixingCallback((FeatureMixer)Methods.Find(method).Create()) { Decoupled = decoupled };
            fit.Run([mixing, seen], epochs: 1);
            return (seen.Loss!.Value, seen.Terms);
        }
        var (with, without) = (First(new Decoupled { Weight = 2 }), First(null));
        Assert.True(with.Terms > 0.1);
        Assert.Equal(without.Loss + with.Terms, with.Loss, 1e-4);
        using var other = new TrainerTests.Fit();
        Assert.Contains("need the cross entropy", Assert.Throws<InputException>(() => other.Run([new MixingCallback(new Mixup())
        {
            Decoupled = new(),
        }], options: new TrainerOptions { Epochs = 1, Loss = new BinaryCrossEntropy() })).Message, StringComparison.Ordinal);
    }

    private sealed class FirstLoss : Callback
    {
        public double? Loss { get; private set; }

        public double Terms { get; private set; }

        public override Batch OnBeforeLoss(TrainingState state, Batch batch, Tensor logits)
        {
            using var here = NewDisposeScope();
            var targets = batch.Targets!;
            if (Loss is null)
                Terms = new Decoupled { Weight = 2 }.Terms(logits.detach(), targets.A, targets.B, targets.Lambdas,
                    [.. targets.Lambdas.Select(lambda => 1 - lambda)]).mean().ToDouble();
            return batch;
        }

        public override void OnTrainBatchEnd(TrainingState state, Batch batch) => Loss ??= state.Loss;
    }

    [Fact]
    public void With_two_classes_nothing_is_added()
    {
        var (zero, one) = (tensor(new long[] { 0, 1 }), tensor(new long[] { 1, 0 }));
        Assert.Equal([0, 0], new Decoupled { Weight = 5 }.Terms(randn(2, 2, dtype: ScalarType.Float64), zero, one, [0.4, 0.8], [0.6, 0.2])
            .data<double>().ToArray().Select(term => Math.Round(term, 12)));
    }

    [Fact]
    public void A_removed_class_has_no_gradient()
    {
        var logits = randn(2, 5).requires_grad_();
        // The term of b weighs 0 in single precision, so only that of a, whose removed class is b, has a gradient.
        new Decoupled { Power = 1 }.Terms(logits, a.narrow(0, 0, 2), b.narrow(0, 0, 2), [1, 1], [1e-300, 1e-300]).sum().backward();
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(0, logits.grad![i, b[i].ToInt32()].ToSingle());
            Assert.NotEqual(0, logits.grad[i, a[i].ToInt32()].ToSingle());
        }
        Assert.True(logits.grad!.isfinite().all().ToBoolean());
    }

    [Fact]
    public void The_loss_of_a_pair_is_the_mixed_loss_plus_the_mean_of_the_terms()
    {
        var logits = randn(4, 5);
        foreach (var loss in (CrossEntropy[])[new(), new() { LabelSmoothing = 0.1 }, new() { Reduction = Reduction.Sum }])
        {
            var (targets, decoupled) = (new PairTargets(a, b, Lambdas), new Decoupled());
            var terms = decoupled.Terms(logits, a, b, Lambdas, Rest);
            var expected = targets.Loss(logits, loss) + (loss.Reduction == Reduction.Sum ? terms.sum() : terms.mean());
            Assert.Equal(expected.ToSingle(), targets.Loss(logits, loss, decoupled).ToSingle(), 1e-5f);
            var whole = new PairTargets(a, b, [1, 1, 1, 1]);      // λ = 1: plain cross entropy
            Assert.Equal(loss.Evaluate(logits, a).ToSingle(), whole.Loss(logits, loss, decoupled).ToSingle(), 1e-6f);
        }
        Assert.Contains("one class id per image", Assert.Throws<ArgumentException>(() =>
            new Decoupled().Terms(logits, rand(4, 5), rand(4, 5), Lambdas, Rest)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_recipe_uses_it_only_where_it_has_a_meaning()
    {
        string Refused(Recipe recipe) => Assert.Throws<InputException>(recipe.Resolve).Message;
        var recipe = new Recipe { Method = "cutmix", Decoupled = 0.1 };
        Assert.Equal("CutMix, decoupled", recipe.Resolve().Name);
        Assert.Equal("Manifold Mixup, decoupled", (recipe with { Method = "manifoldmixup" }).Resolve().Name);
        Assert.Contains("`Decoupled`", Refused(recipe with { Method = "baseline" }), StringComparison.Ordinal);
        Assert.Contains("0 with a loss other than the cross entropy", Refused(recipe with { Loss = LossKind.Focal }), StringComparison.Ordinal);
        Assert.Contains("`Decoupled`", Refused(recipe with { Decoupled = -1 }), StringComparison.Ordinal);
    }
}
