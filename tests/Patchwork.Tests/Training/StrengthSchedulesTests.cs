using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Recipes;
using Patchwork.Regularization;
using Patchwork.Runs;
using Patchwork.Schedules;
using Patchwork.Tests.Support;
using Patchwork.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Training;

/// <summary>Every strength follows its schedule during a fit, and only then.</summary>
[Collection(SerialCollection.Name)]
public sealed class StrengthSchedulesTests
{
    private static StrengthSchedule PerStep(params StrengthPoint[] points) => new(points) { PerStep = true };

    [Fact]
    public void A_probability_that_jumps_within_an_epoch_takes_effect_at_that_step()
    {
        var mixed =
            Mixed(new MixingCallback(new CutMix
            {
                FixedLambda = 0.5,
                Placement = Placement.Inside,
                Partners =
            Partners.Derangement
            })
            { Probability = PerStep((1.5, 0), (1.5, 1)) });
        // 2 epochs of 4 steps: the seventh step starts at epoch 1.5
        Assert.Equal([0, 0, 0, 0, 0, 0, 1, 1], mixed.Select(share => share > 0 ? 1 : 0));
    }

    [Fact]
    public void Mixers_that_run_outside_the_loader_follow_the_schedule_too()
    {
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1],
            Mixed(new MixingCallback(new Mixup { Partners = Partners.Derangement }) { Probability = new((1, 0), (1, 1)) })
            .Select(share => share > 0 ? 1 : 0));
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1],
            Mixed(new MixingCallback(new OneOf(new Mixup { Partners = Partners.Derangement },
            new CutMix { FixedLambda = 0.5, Placement = Placement.Inside, Partners = Partners.Derangement }))
            {
                Probability =
            new((1, 0), (1, 1))
            }).Select(share => share > 0 ? 1 : 0));
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1],
            Mixed(new FeatureMixingCallback(new ManifoldMixup
            {
                Layers = [FeatureMixer.Input],
                Partners =
            Partners.Derangement
            })
            { Probability = new((1, 0), (1, 1)) }).Select(share => share > 0 ? 1 : 0));
    }

    [Fact]
    public void A_large_alpha_draws_lambda_near_one_half_and_a_small_one_near_0_or_1()
    {
        var seen = new Watch();
        using var fit = new TrainerTests.Fit(batchSize: 1);
        fit.Run([new MixingCallback(new Mixup { Partners = Partners.Derangement }) { Alpha = new((1, 1e6), (1, 1e-3)) }, seen], epochs: 2);
        Assert.All(seen.Lambdas[..20], lambda => Assert.InRange(lambda, 0.49, 0.51));
        Assert.True(seen.Lambdas[20..].Count(lambda => lambda is < 0.01 or > 0.99) >= 18);
    }

    [Fact]
    public void The_probability_of_an_eraser_follows_the_schedule()
    {
        var erased = new List<bool>();
        using var fit = new TrainerTests.Fit(batchSize: 5);
        fit.Run([new ErasingCallback(new Cutout { Length = 8 }) { Probability = new((1, 0), (1, 1)) }, new Watch { Erased = erased }],
            epochs: 2);
        Assert.Equal([false, false, false, false, true, true, true, true], erased);
        Assert.Empty(fit.Train.Erasers);
    }

    [Fact]
    public void The_drop_probability_of_one_method_follows_the_schedule_and_keeps_the_last_value()
    {
        using var fit = new TrainerTests.Fit(batchSize: 5);
        var model = fit.Model;
        var options = new ModelOptions { Regularizers = [new DropBlock { DropProbability = 0.4 }, new ShakeDrop()] };
        using var dropping = ModelZoo.Create("resnet8", 3, 3, 8, options);
        var seen = new List<(double Drop, double Shake)>();
        double Of<T>() where T : BranchRegularizer =>
            dropping.modules().OfType<BranchLayer>().Select(layer => layer.Method).OfType<T>().First().DropProbability;
        new Trainer(new TrainerOptions { Epochs = 2, Seeds = fit.Seeds },
            new DropSchedule(PerStep((0, 0), (2, 0.4))) { Method = "dropblock" },
            new Watch { OnStep = () => seen.Add((Of<DropBlock>(), Of<ShakeDrop>())) })
            .Fit(dropping, new TrainingData(fit.Train), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal([0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35], seen.Select(pair => Math.Round(pair.Drop, 12)));
        Assert.All(seen, pair => Assert.Equal(0.5, pair.Shake));
        Assert.Equal(0.4, Of<DropBlock>());
    }

    [Fact]
    public void A_custom_network_with_a_branch_layer_follows_the_schedule_and_one_without_is_rejected()
    {
        using var fit = new TrainerTests.Fit(batchSize: 5);
        var layer = (BranchLayer)new ShakeDrop().LayerAt(new BlockPlace(1, 1, 1, 1));
        using var own = new OneBranch(layer);
        using var plain = nn.Sequential(("flat", nn.Flatten()), ("linear", nn.Linear(3 * 64, 3)));
        void Run(nn.Module<Tensor, Tensor> model) =>
            new Trainer(new TrainerOptions { Epochs = 1, Seeds = fit.Seeds }, new DropSchedule(PerStep((0, 0), (1, 0.2))))
            .Fit(model, new TrainingData(fit.Train));
        Run(own);
        Assert.Equal(0.2, layer.DropProbability);
        Assert.Contains("Received: a Sequential without them.", Assert.Throws<ArgumentException>(() => Run(plain)).Message,
            StringComparison.Ordinal);
    }

    private sealed class OneBranch : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> branch = nn.Conv2d(3, 3, 3, padding: 1), end, linear = nn.Linear(3, 3);

        public OneBranch(nn.Module<Tensor, Tensor> end) : base("own")
        {
            this.end = end;
            RegisterComponents();
        }

        public override Tensor forward(Tensor images) => linear.call((images + end.call(branch.call(images))).mean([2, 3]));
    }

    // The layers have no schedule of their own and work at the full strength of their option; the run of a recipe adds the ramp.
    [Fact]
    public void DropBlock_ramps_only_in_the_run_of_a_recipe()
    {
        using var files = new PictureSet();
        var seen = new List<double>();
        var watch = new Watch();
        watch.OnState = state => seen.Add(BranchLayer.In(state.Model, "dropblock").First().Method.DropProbability);
        var recipe = new Recipe
        {
            Method = "dropblock",
            DropProbability = 0.4,
            Dataset = "shapes",
            Model = "resnet8",
            Subset = 80,
            BatchSize = 32,
            Epochs = 2,
            Validation = "0.2",
            Threads = 1
        };
        TrainingRun.Start(recipe, files.At("ramp"), [watch], _ => { }, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal([0, 0.1, 0.2, 0.3], seen.Select(value => Math.Round(value, 12)));      // 2 epochs of 2 steps
        Assert.Equal(0.4, new DropBlock { DropProbability = 0.4 }.Ramp(2)!.At(2));
        Assert.Null(new DropBlock { Ramps = false }.Ramp(2));
        using var bare = new TrainerTests.Fit();
        using var model = ModelZoo.Create("resnet8", 3, 3, 8,
            new ModelOptions { Regularizers = [new DropBlock { DropProbability = 0.4 }] });
        seen.Clear();
        new Trainer(new TrainerOptions { Epochs = 1, Seeds = bare.Seeds }, watch)
            .Fit(model, new TrainingData(bare.Train), cancellation: TestContext.Current.CancellationToken);
        Assert.All(seen, value => Assert.Equal(0.4, value));
    }

    [Fact]
    public void Label_smoothing_follows_the_schedule()
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
