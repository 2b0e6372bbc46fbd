using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Regularization;
using Patchwork.Schedules;
using Patchwork.Tests.Support;
using Patchwork.Training;
using Xunit;

namespace Patchwork.Tests.Training;

/// <summary>Every strength follows its schedule inside a fit, and only the fit.</summary>
[Collection(SerialCollection.Name)]
public sealed class StrengthSchedulesTests
{
    private static StrengthSchedule PerStep(params (double, double)[] points) => new(points) { PerStep = true };

    [Fact]
    public void A_probability_that_jumps_in_the_middle_of_an_epoch_mixes_from_there_on()
    {
        var mixed = Mixed(new MixingCallback(new CutMix { FixedLambda = 0.5, Placement = Placement.Inside, Partners = Partners.Derangement }) { Probability = PerStep((1.5, 0), (1.5, 1)) });
        Assert.Equal([0, 0, 0, 0, 0, 0, 1, 1], mixed.Select(share => share > 0 ? 1 : 0));      // 2 epochs of 4 steps: the seventh is epoch 1.5
    }

    [Fact]
    public void Mixers_that_the_loader_cannot_do_follow_it_too()
    {
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1], Mixed(new MixingCallback(new Mixup { Partners = Partners.Derangement }) { Probability = new((1, 0), (1, 1)) }).Select(share => share > 0 ? 1 : 0));
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1], Mixed(new MixingCallback(new OneOf(new Mixup { Partners = Partners.Derangement }, new CutMix { FixedLambda = 0.5, Placement = Placement.Inside, Partners = Partners.Derangement })) { Probability = new((1, 0), (1, 1)) }).Select(share => share > 0 ? 1 : 0));
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1], Mixed(new FeatureMixingCallback(new ManifoldMixup { Layers = [FeatureMixer.Input], Partners = Partners.Derangement }) { Probability = new((1, 0), (1, 1)) }).Select(share => share > 0 ? 1 : 0));
    }

    [Fact]
    public void A_large_alpha_draws_near_one_half_and_a_small_one_near_the_ends()
    {
        var seen = new Watch();
        using var fit = new TrainerTests.Fit(batchSize: 1);
        fit.Run([new MixingCallback(new Mixup { Partners = Partners.Derangement }) { Alpha = new((1, 1e6), (1, 1e-3)) }, seen], epochs: 2);
        Assert.All(seen.Lambdas[..20], lambda => Assert.InRange(lambda, 0.49, 0.51));
        Assert.True(seen.Lambdas[20..].Count(lambda => lambda is < 0.01 or > 0.99) >= 18);
    }

    [Fact]
    public void An_erasers_probability_follows_it()
    {
        var erased = new List<bool>();
        using var fit = new TrainerTests.Fit(batchSize: 5);
        fit.Run([new ErasingCallback(new Cutout { Length = 8 }) { Probability = new((1, 0), (1, 1)) }, new Watch { Erased = erased }], epochs: 2);
        Assert.Equal([false, false, false, false, true, true, true, true], erased);
        Assert.Empty(fit.Train.Erasers);
    }

    [Fact]
    public void The_drop_probability_of_one_method_follows_it_and_keeps_the_last_value()
    {
        using var fit = new TrainerTests.Fit(batchSize: 5);
        var model = fit.Model;
        var options = new ModelOptions { DropBlock = new DropBlock { DropProbability = 0.4 }, ShakeDrop = new ShakeDrop() };
        using var dropping = ModelZoo.Create("resnet8", 3, 3, 8, options);
        var seen = new List<(double Drop, double Shake)>();
        double Of<T>() where T : BranchRegularizer => dropping.modules().OfType<BranchLayer>().Select(layer => layer.Method).OfType<T>().First().DropProbability;
        new Trainer(new TrainerOptions { Epochs = 2, Seeds = fit.Seeds }, new DropSchedule(PerStep((0, 0), (2, 0.4))) { Method = "dropblock" }, new Watch { OnStep = () => seen.Add((Of<DropBlock>(), Of<ShakeDrop>())) })
            .Fit(dropping, new TrainingData(fit.Train), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal([0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35], seen.Select(pair => Math.Round(pair.Drop, 12)));
        Assert.All(seen, pair => Assert.Equal(0.5, pair.Shake));
        Assert.Equal(0.4, Of<DropBlock>());
    }

    [Fact]
    public void Smoothing_acts_on_the_training_loss_alone()
    {
        using var fit = new TrainerTests.Fit(batchSize: 20);
        var used = new List<double>();
        var watch = new Watch();
        watch.OnState = state => used.Add(((CrossEntropy)state.Criterion).LabelSmoothing);
        fit.Run([new SmoothingSchedule(new((0, 0.3), (3, 0))), watch], epochs: 4);
        Assert.Equal([0.3, 0.2, 0.1, 0], used.Select(value => Math.Round(value, 12)));
    }

    private static List<double> Mixed(Callback mixing)
    {
        var seen = new Watch();
        using var fit = new TrainerTests.Fit(batchSize: 5);
        fit.Run([mixing, seen], epochs: 2);
        return seen.Shares;
    }

    private sealed class Watch : Callback
    {
        public List<double> Shares { get; } = [];

        public List<double> Lambdas { get; } = [];

        public List<bool>? Erased { get; init; }

        public Action? OnStep { get; init; }

        public Action<TrainingState>? OnState { get; set; }

        public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
        {
            Shares.Add(batch.Plan?.ShareMixed ?? 0);
            Lambdas.Add(batch.Plan?.Images[0].Lambda ?? 1);
            Erased?.Add(batch.Erased.Any(plan => plan.ChangesPixels));
            OnStep?.Invoke();
            OnState?.Invoke(state);
            return batch;
        }
    }
}
