using CsCheck;
using Patchwork.Schedules;
using Xunit;

namespace Patchwork.Tests.Schedules;

public sealed class LearningRateScheduleTests
{
    [Fact]
    public void A_milestone_takes_effect_at_its_step()
    {
        var schedule = new MultiStep(0.1, [20, 10]);
        Assert.Equal([0.1, 0.01, 0.01, 0.001], new long[] { 9, 10, 19, 20 }.Select(schedule.Rate), (a, b) => Math.Abs(a - b) < 1e-15);
    }

    [Fact]
    public void A_cosine_goes_from_the_initial_through_the_mean_to_the_final_rate() =>
        Gen.Select(Gen.Double[0.01, 2], Gen.Double[0, 0.01], Gen.Long[1, 10_000]).Sample((initial, final, half) =>
        {
            var cosine = new Cosine(initial, 2 * half, final);
            Assert.Equal(initial, cosine.Rate(0), 1e-12);
            Assert.Equal((initial + final) / 2, cosine.Rate(half), 1e-12);
            Assert.Equal(final, cosine.Rate(2 * half), 1e-12);
        });

    [Fact]
    public void One_cycle_starts_peaks_and_ends_at_its_three_rates()
    {
        var cycle = new OneCycle(0.4, 101, UpShare: 0.5049504950495049504);      // the peak falls on step 50
        Assert.Equal(0.4 / 25, cycle.Rate(0), 1e-12);
        Assert.Equal(0.4, cycle.Rate(50), 1e-12);
        Assert.Equal(0.4 / 25 / 1e4, cycle.Rate(100), 1e-12);
    }

    [Fact]
    public void Warm_up_rises_linearly_to_the_first_rate_of_the_schedule_that_follows()
    {
        var warmup = new Warmup(4, new Cosine(0.8, 100), StartFactor: 0.5);
        Assert.Equal([0.4, 0.5, 0.6, 0.7, 0.8], Enumerable.Range(0, 5).Select(t => warmup.Rate(t)), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(new Cosine(0.8, 100).Rate(30), warmup.Rate(34));
    }

    [Fact]
    public void A_warm_up_of_no_steps_changes_nothing() =>
        Gen.Long[0, 1000].Sample(step => Assert.Equal(new ConstantRate(0.3).Rate(step), new Warmup(0, new ConstantRate(0.3)).Rate(step)));

    [Theory, InlineData(0), InlineData(-3)]
    public void A_schedule_without_steps_is_rejected(long length)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Cosine(0.1, length));
        Assert.Throws<ArgumentOutOfRangeException>(() => new OneCycle(0.1, length));
    }
}
