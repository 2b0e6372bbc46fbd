using CsCheck;
using Patchwork.Schedules;
using Xunit;

namespace Patchwork.Tests.Schedules;

public sealed class StrengthScheduleTests
{
    [Fact]
    public void A_strength_is_linear_between_points_and_constant_outside_them()
    {
        var schedule = new StrengthSchedule((2, 0.2), (4, 0.6), (4, 1), (8, 0)) { PerStep = true };
        Assert.Equal([0.2, 0.2, 0.4, 1, 0.5, 0, 0], ((double[])[0, 2, 3, 4, 6, 8, 100]).Select(schedule.At), Close);
        Assert.Equal(0.6, schedule.At(4 - 1e-12), 1e-9);
    }

    [Fact]
    public void A_schedule_per_epoch_is_constant_within_an_epoch()
    {
        var schedule = new StrengthSchedule((0, 0), (10, 1));
        Assert.Equal([0.3, 0.3, 0.4], ((double[])[3, 3.99, 4]).Select(schedule.At), Close);
    }

    [Fact]
    public void A_strength_stays_between_its_values_and_round_trips_through_text() =>
        Gen.Select(Gen.Double[0, 50], Gen.Double[-2, 2]).Array[1, 6].Select(Gen.Double[0, 60]).Sample((points, epoch) =>
        {
            StrengthPoint[] ordered = [.. points.OrderBy(point => point.Item1).Select(point => new StrengthPoint(point.Item1, point.Item2))];
            var schedule = new StrengthSchedule(ordered) { PerStep = true };
            Assert.InRange(schedule.At(epoch), ordered.Min(point => point.Value) - 1e-12, ordered.Max(point => point.Value) + 1e-12);
            Assert.Equal(schedule.At(epoch), (StrengthSchedule.Parse(schedule.ToString()) with { PerStep = true }).At(epoch));
        });

    [Theory, InlineData(""), InlineData("0"), InlineData("0:a"), InlineData("1:0 0:1"), InlineData("-1:0"), InlineData("0:NaN"),
        InlineData("0:1:2")]
    public void Invalid_texts_are_rejected(string text) =>
        Assert.Contains("EPOCH:VALUE", Assert.Throws<InputException>(() => StrengthSchedule.Parse(text)).Message, StringComparison.Ordinal);

    private static bool Close(double x, double y) => Math.Abs(x - y) < 1e-9;
}
