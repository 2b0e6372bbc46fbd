using Patchwork.Schedules;
using Patchwork.Tests.Interop;
using Patchwork.Tests.Support;
using Patchwork.Training;
using Xunit;

namespace Patchwork.Tests.Training;

/// <summary>What TensorBoard is shown, read back from the event files.</summary>
[Collection(SerialCollection.Name)]
public sealed class TensorBoardLogTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-log-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void The_learning_rate_of_every_step_is_the_schedules()
    {
        var schedule = new Warmup(5, new Cosine(0.01, 15));
        Fit(schedule, epochs: 4);
        var rates = Scalars().Where(scalar => scalar.Tag == "learning_rate").ToArray();
        Assert.Equal(Enumerable.Range(1, 20).Select(step => ((long)step, (float)schedule.Rate(step - 1))),
            rates.Select(rate => (rate.Step, rate.Value)));
        Assert.True(rates.DistinctBy(rate => rate.Value).Count() > 15);
    }

    [Fact]
    public void Parameter_groups_with_rates_of_their_own_are_shown_apart()
    {
        Fit(new ConstantRate(0.01), epochs: 1, new HalfRate());
        var scalars = Scalars();
        Assert.DoesNotContain(scalars, scalar => scalar.Tag == "learning_rate");
        foreach (var (tag, rate) in ((string, float)[])[("learning_rate/group0", 0.01f), ("learning_rate/group1", 0.005f)])
            Assert.Equal(Enumerable.Range(1, 5).Select(step => ((long)step, rate)), scalars.Where(scalar => scalar.Tag == tag)
                .Select(scalar => (scalar.Step, scalar.Value)));
    }

    [Fact]
    public void The_metrics_of_an_epoch_stand_at_its_last_step()
    {
        var seen = new Metrics();
        Fit(new ConstantRate(0.01), epochs: 2, seen);
        var scalars = Scalars();
        foreach (var (step, name, value) in seen.Values.Where(metric => metric.Name != "learning_rate"))
            Assert.Equal((float)value, Assert.Single(scalars, scalar => (scalar.Tag, scalar.Step) == (name, step)).Value);
        Assert.Equal([5, 10], seen.Values.Select(metric => metric.Step).Distinct());
    }

    private void Fit(LearningRateSchedule schedule, int epochs, params Callback[] others)
    {
        using var fit = new TrainerTests.Fit(batchSize: 4);
        var optimizer = new Sgd { LearningRate = 0.01, DecayVectors = false };
        fit.Run([.. others, new TensorBoardLog(folder)],
            options: new TrainerOptions { Epochs = epochs, Schedule = schedule, Optimizer = optimizer });
    }

    // Event: 2 step, 5 summary; summary: 1 value; value: 1 tag, 2 simple value.
    private List<(string Tag, long Step, float Value)> Scalars() =>
    [
        .. Directory.GetFiles(folder).SelectMany(EventFileReader.Read).Where(message => message.Any(field => field.Number == 5))
            .Select(message =>
        {
            var value = message.Single(field => field.Number == 5)[1];
            return (value[1].Text, (long)message.Single(field => field.Number == 2).Integer, value[2].Single);
        }),
    ];

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
