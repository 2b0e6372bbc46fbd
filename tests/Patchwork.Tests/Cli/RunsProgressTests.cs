using Patchwork.Cli.Terminal;
using Xunit;

namespace Patchwork.Tests.Cli;

public sealed class RunsProgressTests
{
    // Two runs: a warm-up of 2 s to a tenth of the work, then 5 s to a half: 0.4 of the work in 5 s, so the other half takes 6.25 s.
    [Fact]
    public void The_estimate_is_made_once_from_the_speed_after_the_warm_up()
    {
        var clock = new HandClock();
        var estimates = new List<TimeSpan>();
        using var error = new StringWriter();
        var progress = new RunsProgress(new LiveLine(error) { Exists = false }, "training", ["a", "b"], [])
        {
            Clock = clock,
            Estimate = estimates.Add,
        };
        progress.Advance("a", 0);
        clock.Seconds = 1;
        progress.Advance("a", 0.15);
        clock.Seconds = 2;
        progress.Advance("a", 0.2);
        clock.Seconds = 5;
        progress.Advance("a", 0.6);
        Assert.Empty(estimates);
        clock.Seconds = 7;
        progress.Advance("a", 1);
        clock.Seconds = 9;
        progress.Advance("b", 0.5);
        Assert.Equal([6.25], estimates.Select(estimate => Math.Round(estimate.TotalSeconds, 6)));
        Assert.Equal("", error.ToString());
    }

    [Fact]
    public void Runs_that_were_finished_before_count_as_done()
    {
        using var error = new StringWriter();
        var progress = new RunsProgress(new LiveLine(error) { Exists = false }, "training", ["a", "b", "c"], ["a"]);
        Assert.Equal("2 of 3 runs", progress.Finish("c", 30));
    }

    [Theory, InlineData(0.2, "1 s"), InlineData(89, "89 s"), InlineData(90, "2 min"), InlineData(3600, "60 min"), InlineData(9000, "2.5 h")]
    public void An_estimated_time_has_one_unit(double seconds, string expected) =>
        Assert.Equal(expected, ProgressLine.RoundedTime(TimeSpan.FromSeconds(seconds)));

    private sealed class HandClock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }
}
