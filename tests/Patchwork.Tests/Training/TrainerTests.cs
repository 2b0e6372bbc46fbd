using Patchwork.Data;
using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Schedules;
using Patchwork.Tests.Support;
using Patchwork.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Training;

[Collection(SerialCollection.Name)]
public sealed class TrainerTests
{
    [Fact]
    public void A_failing_fit_notifies_the_started_callbacks_in_order_and_ends_them_in_reverse()
    {
        var log = new List<string>();
        using var fit = new Fit();
        Callback[] callbacks = [new Named("a", log), new Named("b", log) { FailAtFitStart = true }, new Named("c", log)];
        Assert.Throws<InvalidOperationException>(() => fit.Run(callbacks));
        Assert.Equal(["a start", "b start", "a exception", "b exception", "b end", "a end"], log);
    }

    [Fact]
    public void Mixing_wraps_only_the_training_loss_and_restores_everything_even_if_the_fit_throws()
    {
        foreach (var failing in (bool[])[false, true])
        {
            using var fit = new Fit();
            var watch = new LossWatch { Fail = failing };
            var before = new LossBefore();
            void Run() => fit.Run([before, new MixingCallback(new CutMix()), watch, new MixAudit()], epochs: 1, test: true);
            if (failing)
                Assert.Throws<InvalidOperationException>(Run);
            else
                Run();
            Assert.NotSame(before.Loss, watch.During);
            Assert.Same(before.Loss, watch.State!.TrainLoss);
            Assert.NotSame(watch.Evaluation, watch.During);
            Assert.Null(fit.Train.Planner);
            if (!failing)
                Assert.True(watch is { TrainMixed: true, EvaluationMixed: false });
        }
    }

    [Fact]
    public void A_mixer_that_needs_pixels_mixes_at_the_start_of_the_step_with_the_same_pair_loss()
    {
        using var fit = new Fit();
        var watch = new LossWatch();
        var reports = new List<string>();
        fit.Run([new MixingCallback(new CutMixOfPixels()), watch, new MixAudit()], epochs: 1, report: reports.Add);
        Assert.True(watch.TrainMixed);
        Assert.Contains(reports, line => line.StartsWith("mix audit:", StringComparison.Ordinal));
    }

    [Fact]
    public void A_callback_may_replace_the_batch()
    {
        using var fit = new Fit();
        var seen = new List<int>();
        fit.Run([new FirstThree(), new CountImages(seen)], epochs: 1);
        Assert.Equal([3, 3], seen);
    }

    [Fact]
    public void A_loss_that_is_not_finite_stops_the_fit_before_the_weights_change_and_names_the_step()
    {
        using var fit = new Fit();
        var poison = new Poison { AtStep = 3 };
        var error = Assert.Throws<NonFiniteException>(() => fit.Run([poison], epochs: 5));
        Assert.Equal(3, error.Step);
        Assert.Contains("epoch 1, step 1 of 2 (step 3 of the run)", error.Message);
        Assert.Equal(poison.Weights, Fit.Sum(fit.Model));
    }

    [Fact]
    public void A_thousand_steps_leak_no_tensors()
    {
        Lane.NeedFull("a thousand steps");
        GC.Collect();      // finalizers of other tests must not change the count here
        GC.WaitForPendingFinalizers();
        using var fit = new Fit(batchSize: 2);
        var counts = new List<long>();
        fit.Run([new MixingCallback(new CutMix()), new Count(counts)], epochs: 100);
        Assert.Equal(1_000, counts.Count);
        Assert.Single(counts.Where((_, i) => i % 10 == 9).Skip(1).Distinct());
    }

    // Replaces the measured error by a made-up one before early stopping reads it.
    private sealed class Pretend(double[] errors) : Callback
    {
        public override void OnTrainEpochEnd(TrainingState state) => state.Metrics["val/top1_error"] = errors[state.Epoch - 1];
    }

    [Theory]
    [InlineData(new[] { 0.5, 0.4, 0.4, 0.45, 0.3, 0.2 }, 2, 0, 4)]      // equal is not lower
    [InlineData(new[] { 0.5, 0.4, 0.45, 0.3, 0.35, 0.29, 0.4, 0.3, 0.1 }, 2, 0, 8)]      // a lower error restarts the count
    [InlineData(new[] { 0.5, 0.4, 0.45, 0.3, 0.35, 0.29, 0.1 }, 2, 0.05, 6)]
    [InlineData(new[] { 0.5, 0.49, 0.48, 0.47, 0.46, 0.3 }, 2, 0.05, 3)]
    public void Early_stopping_ends_the_fit_after_its_patience(double[] errors, int patience, double leastChange, int expected)
    {
        using var fit = new Fit();
        var result = fit.Run([new Pretend(errors), new EarlyStopping(patience) { LeastChange = leastChange }], epochs: errors.Length);
        Assert.Equal(expected, result.Epochs);
        Assert.Contains("val/top1_error has not been lower than", result.StopReason, StringComparison.Ordinal);
    }

    [Fact]
    public void Early_stopping_keeps_its_state_across_a_resume()
    {
        using var fit = new Fit();
        var first = new EarlyStopping(2);
        fit.Run([new Pretend([0.5, 0.6]), first], epochs: 2);
        var second = new EarlyStopping(2);
        second.LoadStateDict(first.StateDict()!);
        Assert.Equal(1, fit.Run([new Pretend([0.55, 0.1]), second], epochs: 2).Epochs);
        var third = new EarlyStopping(2);
        third.LoadStateDict(second.StateDict()!);
        Assert.Equal(0, fit.Run([third], epochs: 2).Epochs);
    }

    [Fact]
    public void A_ramp_mixes_nothing_in_the_first_epoch_and_everything_in_the_last()
    {
        using var fit = new Fit(batchSize: 2);
        var seen = new List<(long Epoch, bool Mixed)>();
        var every = new CutMix { Partners = Partners.Derangement, FixedLambda = 0.5, Placement = Placement.Inside };
        fit.Run([new MixingCallback(every) { Probability = new StrengthSchedule((0, 0), (20, 1)) }, new MixedBatches(seen)], epochs: 21);
        double Share(long epoch) => seen.Where(batch => batch.Epoch == epoch).Average(batch => batch.Mixed ? 1.0 : 0.0);
        Assert.Equal((0.0, 1.0), (Share(0), Share(20)));
        // Over the whole ramp, half of all batches are mixed: 210 draws, standard error 0.03.
        Assert.InRange(seen.Average(batch => batch.Mixed ? 1.0 : 0.0), 0.38, 0.62);
    }

    [Fact]
    public void Gradient_clipping_bounds_the_step()
    {
        using var fit = new Fit();
        var before = fit.Model.parameters().Select(p => p.clone()).ToArray();
        fit.Run([], epochs: 1, options: new TrainerOptions
        {
            Epochs = 1,
            ClipNorm = 1e-3,
            Optimizer =
            new Sgd { LearningRate = 1, Momentum = 0, Nesterov = false, WeightDecay = 0 }
        });
        var moved = Math.Sqrt(fit.Model.parameters().Zip(before).Sum(pair => (pair.First - pair.Second).pow(2).sum().ToDouble()));
        Assert.InRange(moved, 1e-5, 2e-3 + 1e-6);      // two steps of at most 1e-3
    }

    /// <summary>A fit of a small network on a small set: 20 training images in batches of 10, 10 validation and 10 test images.</summary>
    internal sealed class Fit : IDisposable
    {
        public Fit(ulong seed = 1, int batchSize = 10, string model = "resnet8")
        {
            Seeds = new SeedStream(seed);
            Seeds.SeedTorch("model");
            Model = ModelZoo.Create(model, 3, 3, 8);
            Train = new BatchLoader(new NoiseImages(20, 3, 8, 8), Seeds, new LoaderOptions { BatchSize = batchSize });
            Validation = new BatchLoader(new NoiseImages(10, 3, 8, 8), Seeds, LoaderOptions.Evaluation(10));
            Test = new BatchLoader(new NoiseImages(10, 3, 8, 8), Seeds, LoaderOptions.Evaluation(10));
        }

        public SeedStream Seeds { get; }

        public ImageClassifier Model { get; }

        public BatchLoader Train { get; }

        public BatchLoader Validation { get; }

        public BatchLoader Test { get; }

        public FitResult Run(Callback[] callbacks, int epochs = 2, bool test = false, Checkpoint? resume = null, Action<string>? report =
            null, TrainerOptions? options = null)
        {
            options ??= new TrainerOptions { Epochs = epochs, Optimizer = new Adam() };
            return new Trainer(options with { Seeds = Seeds, Report = report }, callbacks)
                .Fit(Model, new TrainingData(Train, Validation), test ? Test : null, resume);
        }

        /// <summary>A small network that a method can be trained with.</summary>
        public static string ModelFor(IMethod method) => method.NetworkNeed == NetworkNeed.Attention ? "cct-2-3x2" : "resnet8";

        public static double Sum(nn.Module model) => model.parameters().Sum(p => p.to(ScalarType.Float64).sum().ToDouble());

        public void Dispose()
        {
            Train.Dispose();
            Validation.Dispose();
            Test.Dispose();
            Model.Dispose();
        }
    }

    private sealed class Named(string name, List<string> log) : Callback
    {
        public bool FailAtFitStart { get; init; }

        public override void OnFitStart(TrainingState state)
        {
            log.Add(name + " start");
            if (FailAtFitStart)
                throw new InvalidOperationException("on purpose");
        }

        public override void OnException(TrainingState state, Exception exception) => log.Add(name + " exception");

        public override void OnFitEnd(TrainingState state) => log.Add(name + " end");
    }

    private sealed class LossBefore : Callback
    {
        public BatchLoss? Loss { get; private set; }

        public override void OnFitStart(TrainingState state) => Loss = state.TrainLoss;
    }

    private sealed class LossWatch : Callback
    {
        public bool Fail { get; init; }

        public TrainingState? State { get; private set; }

        public BatchLoss? During { get; private set; }

        public BatchLoss? Evaluation { get; private set; }

        public bool TrainMixed { get; private set; }

        public bool EvaluationMixed { get; private set; }

        public override void OnTrainBatchEnd(TrainingState state, Batch batch)
        {
            (State, During, Evaluation, TrainMixed) = (state, state.TrainLoss, state.EvaluationLoss, batch.Plan is not null);
            using var logits = zeros(batch.Count, 3);
            using var mixed = state.TrainLoss(logits, batch);
            using var pair = batch.Targets!.Loss(logits, state.Options.Loss);
            Assert.Equal(pair.ToDouble(), mixed.ToDouble());
            if (Fail)
                throw new InvalidOperationException("on purpose");
        }

        public override void OnValidationBatchStart(TrainingState state, Batch batch) => EvaluationMixed |= batch.Plan is not null;

        public override void OnTestBatchStart(TrainingState state, Batch batch) => EvaluationMixed |= batch.Plan is not null;
    }

    private sealed record CutMixOfPixels : Mixer
    {
        private readonly CutMix cutmix = new();

        public override string Id => "cutmix";

        public override Needs Needs => Needs.Images;

        public override MixPlan Plan(MixContext context) =>
            cutmix.Plan(context.Images is null ? throw new InvalidOperationException("no pixels") : context);
    }

    private sealed class FirstThree : Callback
    {
        public override Batch OnTrainBatchStart(TrainingState state, Batch batch) =>
            new(batch.Images.narrow(0, 0, 3), batch.Labels.narrow(0, 0, 3));
    }

    private sealed class CountImages(List<int> seen) : Callback
    {
        public override void OnTrainBatchEnd(TrainingState state, Batch batch) => seen.Add(batch.Count);
    }

    private sealed class Poison : Callback
    {
        public required long AtStep { get; init; }

        public double Weights { get; private set; }

        public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
        {
            if (state.Step != AtStep)
                return batch;
            Weights = Fit.Sum(state.Model);
            return batch with { Images = batch.Images * float.NaN };
        }
    }

    private sealed class Count(List<long> counts) : Callback
    {
        public override void OnTrainBatchEnd(TrainingState state, Batch batch) => counts.Add(Tensor.TotalCount);
    }

    private sealed class MixedBatches(List<(long Epoch, bool Mixed)> seen) : Callback
    {
        public override void OnTrainBatchEnd(TrainingState state, Batch batch) => seen.Add((state.Epoch, batch.Plan!.ShareMixed > 0));
    }
}
