using Patchwork.Formats;
using Patchwork.Plans;
using Patchwork.Tests.Support;
using Patchwork.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Training;

/// <summary>The average equals its closed form, evaluation uses it and training does not, and interruptions do not change it.</summary>
[Collection(SerialCollection.Name)]
public sealed class WeightAverageTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-average-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private CheckpointStore Store(string name) => new(Path.Combine(folder, name));

    [Theory]
    [InlineData(0.9, false)]
    [InlineData(0.3, true)]      // the warm-up, 2/11, 3/12, …, reaches 0.3 in the third step
    [InlineData(0.9998, true)]
    public void The_average_is_the_weighted_sum_of_all_weights_so_far(double decay, bool warmup)
    {
        using var fit = new TrainerTests.Fit(batchSize: 5);
        var history = new History();
        var average = new WeightAverage { Decay = decay, Warmup = warmup };
        fit.Run([average, history], epochs: 2);
        // Closed form: w_0 · ∏ d_s + Σ_t (1 - d_t) · w_t · ∏_{s > t} d_s, from the last step to the first.
        var expected = new Dictionary<string, double[]>();
        var (steps, left) = (history.Weights.Count - 1, 1.0);
        Assert.Equal(8, steps);
        for (var t = steps; t >= 0; t--)
        {
            var kept = t == 0 ? 0 : warmup ? Math.Min(decay, (1.0 + t) / (10.0 + t)) : decay;
            foreach (var (name, weights) in history.Weights[t])
            {
                var sum = expected.TryGetValue(name, out var begun) ? begun : expected[name] = new double[weights.Length];
                for (var i = 0; i < weights.Length; i++)
                    sum[i] += left * (1 - kept) * weights[i];
            }
            left *= kept;
        }
        foreach (var (name, values) in Values(fit.Model))      // a fit that ends normally leaves the averages in the model
            Assert.All(values.Zip(expected[name]), pair =>
                Assert.Equal(pair.Second, pair.First, 2e-6 * Math.Max(1, Math.Abs(pair.Second))));
    }

    [Fact]
    public void The_average_of_constant_weights_equals_them_bit_for_bit()
    {
        using var fit = new TrainerTests.Fit(batchSize: 2);
        var before = Values(fit.Model);
        var still = new Sgd { LearningRate = 1e-60, Momentum = 0, Nesterov = false, WeightDecay = 0 };      // each step is lost in rounding
        fit.Run([new WeightAverage { Decay = 0.7 }], options: new TrainerOptions { Epochs = 10, Optimizer = still });
        Assert.All(Values(fit.Model), entry => Assert.Equal(before[entry.Key], entry.Value));
    }

    [Fact]
    public void Validation_and_test_use_the_averages_and_training_uses_the_weights()
    {
        using var plain = new TrainerTests.Fit();
        var alone = new History();
        plain.Run([alone], test: true);

        using var fit = new TrainerTests.Fit();
        var (history, watch) = (new History(), new Watch());
        var average = new WeightAverage { Decay = 0.5 };
        fit.Run([average, history, watch], test: true);

        // The trained weights are those of a fit without averages.
        Assert.Equal(alone.Weights.Count, history.Weights.Count);
        foreach (var (one, other) in alone.Weights.Zip(history.Weights))
            Assert.All(one, entry => Assert.Equal(entry.Value, other[entry.Key]));
        // Two validations and the test, each with the averages at that time.
        Assert.Equal(3, watch.Seen.Count);
        foreach (var (seen, expected) in watch.Seen.Zip(watch.Averages))
        {
            Assert.All(expected, entry => Assert.All(entry.Value.Zip(seen[entry.Key]), pair =>
                Assert.Equal(pair.First, pair.Second, 1e-6f * Math.Max(1, Math.Abs(pair.First)))));
            Assert.NotEqual(history.Weights[^1]["fc.weight"], seen["fc.weight"]);
        }
        Assert.All(watch.Seen[^1], entry => Assert.Equal(entry.Value, Values(fit.Model)[entry.Key]));
    }

    [Fact]
    public void Best_has_the_averages_with_the_current_buffers_and_last_the_trained_weights()
    {
        using var fit = new TrainerTests.Fit();
        var (history, store) = (new History(), Store("run"));
        fit.Run([new WeightAverage { Decay = 0.5 }, history, new Checkpointing(store) { Monitor = "train/loss" }], epochs: 1);
        using var averaged = new Loaded(store.BestWeights);
        using var last = new Loaded(store.LastWeights);
        foreach (var (name, value) in fit.Model.state_dict())
            Assert.True(averaged[name].allclose(value, 0, 0), name);
        Assert.All(history.Weights[^1], entry => Assert.Equal(entry.Value, last[entry.Key].data<float>().ToArray()));
        foreach (var (name, buffer) in fit.Model.named_buffers())
            Assert.True(buffer.allclose(last[name], 0, 0), name);      // running mean and variance, and the integer step count
        using var aside = new Loaded(Path.Combine(store.Folder, "last.callbacks"));
        foreach (var (name, parameter) in fit.Model.named_parameters())
            Assert.True(parameter.allclose(aside[$"WeightAverage/{name}"], 0, 0), name);
    }

    [Fact]
    public void Interrupted_training_equals_uninterrupted_training_bit_for_bit()
    {
        string[] files = ["last.safetensors", "last.callbacks", "best.safetensors"];
        Run("whole", null);
        foreach (var (stop, cancelled) in ((Stop, bool)[])[(new(Batch: 3), false), (new(Batch: 4), true), (new(Validation: 1), false),
            (new(Validation: 2), true), (new(Test: true), false), (new(Test: true), true)])
        {
            var name = $"{stop} {cancelled}";
            Run(name, stop with { With = cancelled ? new OperationCanceledException() : new TimeoutException() });
            Run(name, null);
            Assert.All(files, file => Assert.True(File.ReadAllBytes(Path.Combine(folder, "whole", file)).AsSpan()
                .SequenceEqual(File.ReadAllBytes(Path.Combine(folder, name, file))), $"{file}, {name}"));
            Assert.Equal(Rates("whole"), Rates(name));
        }
    }

    [Fact]
    public void A_fit_that_fails_leaves_the_trained_weights_in_the_model()
    {
        foreach (var stop in (Stop[])[new(Batch: 3), new(Validation: 1), new(Test: true)])
        {
            using var fit = new TrainerTests.Fit();
            var history = new History();
            Assert.Throws<TimeoutException>(() =>
                fit.Run([new WeightAverage(), history, new Interrupt(stop with { With = new TimeoutException() })], test: true));
            Assert.All(history.Weights[^1], entry => Assert.Equal(entry.Value, Values(fit.Model)[entry.Key]));
        }
    }

    [Fact]
    public void Averages_of_another_model_are_rejected()
    {
        using var fit = new TrainerTests.Fit();
        var error = Assert.Throws<InputException>(() => fit.Run([new WeightAverage(), new Foreign()]));
        Assert.Contains("fc.bias", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Steps_leak_no_tensors()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var fit = new TrainerTests.Fit(batchSize: 2);
        var counts = new List<long>();
        fit.Run([new WeightAverage(), new Count(counts)], epochs: 20, test: true);
        Assert.Equal(200, counts.Count);
        Assert.Single(counts.Where((_, i) => i % 10 == 9).Skip(1).Distinct());
    }

    [Theory, InlineData(0), InlineData(1), InlineData(-0.1), InlineData(double.NaN)]
    public void A_decay_outside_its_range_is_rejected(double decay) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new WeightAverage { Decay = decay });

    private static SortedDictionary<string, float[]> Values(nn.Module model)
    {
        using var scope = NewDisposeScope();
        return new(model.named_parameters()
            .ToDictionary(entry => entry.name, entry => entry.parameter.detach().clone().data<float>().ToArray()), StringComparer.Ordinal);
    }

    private void Run(string name, Stop? stop)
    {
        using var fit = new TrainerTests.Fit();
        var store = Store(name);
        Directory.CreateDirectory(store.Folder);
        List<Callback> callbacks = [new WeightAverage { Decay = 0.9 }, new MetricsFile(Path.Combine(folder, name, "metrics.jsonl")),
            new Checkpointing(store) { EverySteps = 1 }];
        if (stop is not null)
            callbacks.Insert(0, new Interrupt(stop));
        try
        {
            fit.Run([.. callbacks], epochs: 3, test: true, resume: store.Load(_ => { }));
        }
        catch (Exception error) when (ReferenceEquals(error, stop?.With))
        {
        }
    }

    private string[] Rates(string name) => [.. File.ReadLines(Path.Combine(folder, name, "metrics.jsonl"))
        .Select(line => System.Text.Json.Nodes.JsonNode.Parse(line)!["learning_rate"]!.ToJsonString())];

    /// <summary>The point at which a fit is made to fail: before a step, in the validation of an epoch, or in the test.</summary>
    private sealed record Stop(long Batch = -1, int Validation = -1, bool Test = false)
    {
        public Exception? With { get; init; }
    }

    private sealed class Interrupt(Stop stop) : Callback
    {
        // Between two steps, where the trainer checks for cancellation.
        public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
        {
            If(state.Step == stop.Batch);
            return batch;
        }

        public override void OnValidationBatchEnd(TrainingState state, Batch batch) => If(state.Epoch == stop.Validation);

        public override void OnTestBatchEnd(TrainingState state, Batch batch) => If(stop.Test);

        private void If(bool now)
        {
            if (now)
                throw stop.With!;
        }
    }

    // The parameters before the first step and after each step.
    private sealed class History : Callback
    {
        public List<SortedDictionary<string, float[]>> Weights { get; } = [];

        public override void OnTrainStart(TrainingState state) => Weights.Add(Values(state.Model));

        public override void OnTrainBatchEnd(TrainingState state, Batch batch) => Weights.Add(Values(state.Model));
    }

    // Records the weights of the model during evaluation, and the average that is computed here for comparison.
    private sealed class Watch : Callback
    {
        private SortedDictionary<string, float[]> average = [];

        public List<SortedDictionary<string, float[]>> Seen { get; } = [];

        public List<SortedDictionary<string, float[]>> Averages { get; } = [];

        public override void OnTrainStart(TrainingState state) => average = Values(state.Model);

        public override void OnTrainBatchEnd(TrainingState state, Batch batch)
        {
            var share = (float)(1 - Math.Min(0.5, (1.0 + state.Step) / (10.0 + state.Step)));
            foreach (var (name, weights) in Values(state.Model))
            {
                using var scope = NewDisposeScope();
                using var noGradient = no_grad();
                average[name] = (tensor(average[name]) + (tensor(weights) - tensor(average[name])) * share).data<float>().ToArray();
            }
        }

        public override void OnValidationBatchStart(TrainingState state, Batch batch) => Note(state);

        public override void OnTestBatchStart(TrainingState state, Batch batch) => Note(state);

        private void Note(TrainingState state)
        {
            Seen.Add(Values(state.Model));
            Averages.Add(new(average.ToDictionary(entry => entry.Key, entry => entry.Value.ToArray()), StringComparer.Ordinal));
        }
    }

    // Loads a checkpoint that lacks a bias into a second average of the model.
    private sealed class Foreign : Callback
    {
        public override void OnTrainStart(TrainingState state)
        {
            var average = new WeightAverage();
            average.OnFitStart(state);
            try
            {
                average.LoadStateTensors(state.Model.named_parameters().Where(entry => entry.name != "fc.bias")
                    .ToDictionary(entry => entry.name, Tensor (entry) => entry.parameter));
            }
            catch (Exception error)
            {
                average.OnException(state, error);
                throw;
            }
            finally
            {
                average.OnFitEnd(state);
            }
        }
    }

    private sealed class Count(List<long> counts) : Callback
    {
        public override void OnTrainBatchEnd(TrainingState state, Batch batch) => counts.Add(Tensor.TotalCount);
    }

    private sealed class Loaded(string path) : IDisposable
    {
        private readonly IReadOnlyDictionary<string, Tensor> tensors = Safetensors.Load(path);

        public Tensor this[string name] => tensors[name];

        public void Dispose()
        {
            foreach (var tensor in tensors.Values)
                tensor.Dispose();
        }
    }
}
