using Patchwork.Mixing;
using Patchwork.Schedules;
using Patchwork.Tests.Interop;
using Patchwork.Tests.Support;
using Patchwork.Training;
using Xunit;

namespace Patchwork.Tests.Training;

/// <summary>Reads back from the event files what is logged for TensorBoard.</summary>
[Collection(SerialCollection.Name)]
public sealed class TensorBoardLogTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-log-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void The_learning_rate_of_every_step_matches_the_schedule()
    {
        var schedule = new Warmup(5, new Cosine(0.01, 15));
        Fit(schedule, epochs: 4);
        var rates = Scalars().Where(scalar => scalar.Tag == "learning_rate").ToArray();
        Assert.Equal(Enumerable.Range(1, 20).Select(step => ((long)step, (float)schedule.Rate(step - 1))),
            rates.Select(rate => (rate.Step, rate.Value)));
        Assert.True(rates.DistinctBy(rate => rate.Value).Count() > 15);
    }

    [Fact]
    public void Parameter_groups_with_different_rates_are_logged_separately()
    {
        Fit(new ConstantRate(0.01), epochs: 1, new HalfRate());
        var scalars = Scalars();
        Assert.DoesNotContain(scalars, scalar => scalar.Tag == "learning_rate");
        foreach (var (tag, rate) in ((string, float)[])[("learning_rate/group0", 0.01f), ("learning_rate/group1", 0.005f)])
            Assert.Equal(Enumerable.Range(1, 5).Select(step => ((long)step, rate)), scalars.Where(scalar => scalar.Tag == tag)
                .Select(scalar => (scalar.Step, scalar.Value)));
    }

    [Fact]
    public void The_metrics_of_an_epoch_are_logged_at_its_last_step()
    {
        var seen = new Metrics();
        Fit(new ConstantRate(0.01), epochs: 2, seen);
        var scalars = Scalars();
        foreach (var (step, name, value) in seen.Values.Where(metric => metric.Name != "learning_rate"))
            Assert.Equal((float)value, Assert.Single(scalars, scalar => (scalar.Tag, scalar.Step) == (name, step)).Value);
        Assert.Equal([5, 10], seen.Values.Select(metric => metric.Step).Distinct());
    }

    [Fact]
    public void The_test_metrics_are_logged_at_the_last_step()
    {
        using var fit = new TrainerTests.Fit();
        var test = fit.Run([new TensorBoardLog(folder)], epochs: 2, test: true).Test!;
        Assert.Equal(
            [("test/loss", 4, (float)test.Loss), ("test/top1_error", 4, (float)test.Top1Error),
                ("test/top5_error", 4, (float)test.Top5Error)],
            Scalars().Where(scalar => scalar.Tag.StartsWith("test/", StringComparison.Ordinal)));
    }

    // The fit fails after the grids of step 5, as if it were killed while writing the next record.
    [Fact]
    public void A_resumed_fit_appends_to_the_same_file_and_logs_no_step_twice()
    {
        var store = new CheckpointStore(Path.Combine(folder, "checkpoints"));
        var log = new TensorBoardLog(folder);
        using (var fit = new TrainerTests.Fit())
            Assert.Throws<InvalidOperationException>(() =>
                fit.Run([.. Callbacks(log, store), new Failure(atStep: 5)], epochs: 4));
        var path = Assert.Single(Directory.GetFiles(folder));
        var before = File.ReadAllBytes(path);
        File.WriteAllBytes(path, [.. before, .. before[^100..^50]]);
        log = new TensorBoardLog(folder);
        using (var fit = new TrainerTests.Fit())
            fit.Run(Callbacks(log, store), epochs: 4, test: true, resume: store.Load(_ => { }));
        Assert.Equal(path, Assert.Single(Directory.GetFiles(folder)));
        var events = EventFileReader.Read(path).Skip(1).Select(message => (Tag: message[2][1][1].Text, Step: message[1].Integer)).ToArray();
        Assert.Equal(events.Distinct(), events);
        Assert.Equal(Enumerable.Range(1, 8).Select(step => (ulong)step),
            events.Where(added => added.Tag == "learning_rate").Select(added => added.Step));
        Assert.Equal(Enumerable.Range(0, 8).Select(step => (ulong)step),
            events.Where(added => added.Tag == "train_mixed").Select(added => added.Step));
        Assert.Contains(("test/top1_error", 8UL), events);
    }

    private static Callback[] Callbacks(TensorBoardLog log, CheckpointStore store) =>
        [new MixingCallback(new CutMix()), log, new MixingGrids(log, everySteps: 1), new Checkpointing(store) { EverySteps = 1 }];

    private void Fit(LearningRateSchedule schedule, int epochs, params Callback[] others)
    {
        using var fit = new TrainerTests.Fit(batchSize: 4);
        var optimizer = new Sgd { LearningRate = 0.01, DecayVectors = false };
        fit.Run([.. others, new TensorBoardLog(folder)],
            options: new TrainerOptions { Epochs = epochs, Schedule = schedule, Optimizer = optimizer });
    }

    // Field numbers of an event: 2 step, 5 summary; of a summary: 1 value; of a value: 1 tag, 2 simple value.
    private List<(string Tag, long Step, float Value)> Scalars() =>
    [
        .. Directory.GetFiles(folder).SelectMany(EventFileReader.Read).Where(message => message.Any(field => field.Number == 5))
            .Select(message =>
        {
            var value = message.Single(field => field.Number == 5)[1];
            return (value[1].Text, (long)message.Single(field => field.Number == 2).Integer, value[2].Single);
        }),
    ];

    private sealed class Failure(int atStep) : Callback
    {
        public override void OnBeforeOptimizerStep(TrainingState state)
        {
            if (state.Step == atStep)
                throw new InvalidOperationException("on purpose");
        }
    }

    private sealed class HalfRate : Callback
    {
        public override void OnBeforeOptimizerStep(TrainingState state) =>
            state.Optimizer.ParamGroups.Last().LearningRate = state.LearningRate / 2;
    }

    private sealed class Metrics : Callback
    {
        public List<(long Step, string Name, double Value)> Values { get; } = [];

        public override void OnTrainEpochEnd(TrainingState state) =>
            Values.AddRange(state.Metrics.Select(metric => (state.Step, metric.Key, metric.Value)));
    }
}
