using Patchwork.Cli.Terminal;
using Xunit;

namespace Patchwork.Tests.Cli;

public sealed class ProgressLineTests
{
    private const string Long = "cutmix+labelsmoothing seed 12";

    private static ProgressLine Fit(int width, double share = 0.997, double loss = 12.345) =>
        FitProgress.Line(width, Long, 298, 300, share, new TimeSpan(31, 4, 5), 98_765, loss);

    [Fact]
    public void A_line_never_exceeds_its_width()
    {
        for (var width = 0; width <= 200; width++)
        {
            foreach (var share in (double[])[0, 0.004, 0.5, 1])
            {
                Assert.InRange(Fit(width, share).Text.Length, 0, width);
                Assert.InRange(RunsProgress.Line(width, "evaluating", "11 of 12 runs", share, TimeSpan.FromDays(40)).Text.Length, 0, width);
                Assert.InRange(SuiteProgress.Line(width, Long, "localization", share, TimeSpan.FromDays(40)).Text.Length, 0, width);
            }
        }
    }

    [Theory]
    [InlineData(200,
        "cutmix+labelsmoothing seed 12  epoch 298/300 ━━━━━━━━━━━━━━━━━━━━━━━─ 100 %  31:04:05 left  98,765 img/s  loss 12.345")]
    [InlineData(100, "cutmix+labelsmoothing seed 12  epoch 298/300 ━━━━━━━━━━━━━━━━━━━─ 100 %  31:04:05 left  98,765 img/s")]
    [InlineData(79, "cutmix+labelsmoothing seed 12  epoch 298/300 ━━━━━━━━━━━━─ 100 %  31:04:05 left")]
    [InlineData(60, "cutmix+labelsmoothing seed 12  epoch 298/300 ━━━━━━━━─ 100 %")]
    [InlineData(52, "cutmix+labelsmoothing seed 12  epoch 298/300 100 %")]
    [InlineData(40, "cutmix+labelsmooth…  epoch 298/300 100 %")]
    public void A_narrow_terminal_drops_the_least_important_parts_first(int width, string expected) =>
        Assert.Equal(expected, Fit(width).Text);

    [Fact]
    public void Every_width_from_40_on_shows_the_epoch()
    {
        for (var width = 40; width <= 200; width++)
            Assert.Contains("epoch 298/300", Fit(width).Text, StringComparison.Ordinal);
    }

    private static Dictionary<string, double> Metrics(double error = 0.46884) => new()
    {
        ["train/loss"] = 1.23456,
        ["train/accuracy"] = 0.5312,
        ["images_per_second"] = 12_345.6,
        ["val/top1_error"] = error,
    };

    [Theory]
    [InlineData(int.MaxValue, "epoch 298/300  val error 46.88 %  train loss 1.2346  accuracy 53.12 %  12,346 img/s")]
    [InlineData(72, "epoch 298/300  val error 46.88 %  train loss 1.2346  accuracy 53.12 %")]
    [InlineData(40, "epoch 298/300  val error 46.88 %")]
    public void An_epoch_line_shows_the_validation_error_first(int width, string expected) =>
        Assert.Equal(expected, FitProgress.EpochLine(width, 298, 300, Metrics()));

    [Fact]
    public void An_epoch_line_fits_any_terminal_with_room_for_its_number()
    {
        for (var width = 13; width <= 120; width++)
            Assert.InRange(FitProgress.EpochLine(width, 298, 300, Metrics(1)).Length, 13, width);
    }

    [Theory, InlineData(80, "train: epoch 298/300  val error 100.00 %  train loss 1.2346  accuracy 53.12 %"),
        InlineData(100, "train: epoch 298/300  val error 100.00 %  train loss 1.2346  accuracy 53.12 %  12,346 img/s")]
    public void A_terminal_of_the_usual_widths_shows_error_loss_and_accuracy(int columns, string expected) =>
        Assert.Equal(expected, "train: " + FitProgress.EpochLine(columns - 1 - "train: ".Length, 298, 300, Metrics(1)));

    [Theory, InlineData(59, "0:59"), InlineData(3599, "59:59"), InlineData(3600, "1:00:00"), InlineData(90_061, "25:01:01")]
    public void Hours_continue_past_a_day(int seconds, string expected) =>
        Assert.Equal(expected, ProgressLine.Time(TimeSpan.FromSeconds(seconds)));
}
