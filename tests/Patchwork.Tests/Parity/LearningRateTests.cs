using System.Text.Json;
using Patchwork.Schedules;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Parity;

/// <summary>Compares the schedules with recorded sequences of torch, timm and the CutMix authors' training script.</summary>
public sealed class LearningRateTests
{
    public static TheoryData<int, string> Cases
    {
        get
        {
            using var vectors = Vectors.Open("lr_schedules.json");
            var rows = new TheoryData<int, string>();
            foreach (var (index, item) in vectors.RootElement.GetProperty("cases").EnumerateArray().Index())
                if (Schedule(item) is not null)
                    rows.Add(index, $"{item.GetProperty("name")} {item.GetProperty("parameters").GetRawText()}");
            return rows;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Every_step_has_the_recorded_rate(int index, string description)
    {
        using var vectors = Vectors.Open("lr_schedules.json");
        var item = vectors.RootElement.GetProperty("cases")[index];
        var schedule = Schedule(item)!;
        var rates = item.GetProperty("lr").Numbers();
        var steps = item.TryGetProperty("epoch_index", out var epochs) ? epochs.Numbers()
            : [.. Enumerable.Range(0, rates.Length).Select(t => (double)t)];
        foreach (var (step, expected) in steps.Zip(rates))
        {
            // torch multiplies the factors step by step and the file has 9 digits: allow 1e-8 of the rate, and 3e-7 of it where the rate is
            // close to zero.
            var tolerance = Math.Max(1e-8 * expected, expected < 1e-3 ? 3e-7 * expected + 1e-12 : 0);
            Assert.True(Math.Abs(expected - schedule.Rate((long)step)) <= tolerance,
                $"{description}, step {step}: expected {expected:R}, received {schedule.Rate((long)step):R}.");
        }
    }

    [Fact]
    public void Schedule_types_can_express_thirteen_of_the_recorded_cases() => Assert.Equal(13, Cases.Count);

    /// <summary>A recorded case as a schedule of this library; null if no type can express it.</summary>
    private static LearningRateSchedule? Schedule(JsonElement item)
    {
        var options = item.GetProperty("parameters");
        double Number(string key) => options.GetProperty(key).GetDouble();
        long Count(string key) => options.GetProperty(key).GetInt64();
        return item.GetProperty("name").GetString() switch
        {
            "MultiStepLR" =>
                new MultiStep(Number("base_lr"), [.. options.GetProperty("milestones").Numbers().Select(m => (long)m)], Number("gamma")),
            "StepLR" => EveryInterval(Number("base_lr"), Count("step_size"), Number("gamma")),
            "ExponentialLR" => EveryInterval(Number("base_lr"), 1, Number("gamma")),
            "CosineAnnealingLR" => new Cosine(Number("base_lr"), Count("T_max"), Number("eta_min")),
            "OneCycleLR" when options.GetProperty("anneal_strategy").GetString() == "cos"
                && !options.GetProperty("three_phase").GetBoolean() =>
                new OneCycle(Number("max_lr"), Count("total_steps"), Number("pct_start"), Number("div_factor"), Number("final_div_factor")),
            "torch_LinearLR_then_CosineAnnealingLR(SequentialLR)" =>
                new Warmup(Count("warmup_steps"), new Cosine(Number("base_lr"), Count("T_max"), Number("eta_min")), Number("start_factor")),
            "timm_CosineLRScheduler" when options.GetProperty("warmup_prefix").GetBoolean() => new Warmup(Count("warmup_t"),
                new Cosine(Number("base_lr"), Count("t_initial"), Number("lr_min")), Number("warmup_lr_init") / Number("base_lr")),
            "clovaai_adjust_learning_rate" => Official(Number("base_lr"), options.GetProperty("dataset").GetString()!, Count("epochs")),
            _ => null,
        };
    }

    private static MultiStep EveryInterval(double initial, long interval, double factor) =>
        new(initial, [.. Enumerable.Range(1, 50).Select(i => i * interval)], factor);

    /// <summary>
    /// The official schedule: on CIFAR a drop after one half and three quarters of the run; on ImageNet every 75 epochs in a run of 300,
    /// otherwise every 30.
    /// </summary>
    private static MultiStep Official(double initial, string dataset, long epochs) => dataset == "imagenet"
        ? EveryInterval(initial, epochs == 300 ? 75 : 30, 0.1)
        : new(initial, [epochs / 2, (long)Math.Ceiling(epochs * 0.75)]);
}
