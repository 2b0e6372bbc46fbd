using System.Diagnostics;
using System.Globalization;
using Patchwork.Plans;
using Patchwork.Training;

namespace Patchwork.Cli.Terminal;

/// <summary>
/// Shows the progress of a fit on standard error: one line per epoch, and on a terminal a last line that is redrawn, with images per second
/// and the time left. Shows only warnings if quiet, and no progress line of its own if the run is one of several.
/// </summary>
internal sealed class FitProgress(LiveLine line, string label, bool quiet, RunsProgress? among = null) : Callback
{
    private readonly Stopwatch clock = new(), drawn = new();
    private long firstStep, imagesSinceStart;

    /// <summary>Prints one line, above the progress line if there is one.</summary>
    public void Say(Notice notice)
    {
        if (!quiet || notice.IsWarning)
            line.PrintAbove($"{label}: {Flags.In(notice.ToString())}");
    }

    public override bool OnFirstRankOnly => true;

    public override void OnTrainStart(TrainingState state)
    {
        (firstStep, imagesSinceStart) = (state.Step, 0);
        clock.Restart();
        drawn.Restart();
    }

    public override void OnTrainBatchEnd(TrainingState state, Batch batch)
    {
        imagesSinceStart += batch.Part?.Ids.Count ?? batch.Examples;
        if (quiet || drawn.ElapsedMilliseconds < 100)
            return;
        drawn.Restart();
        var total = (long)state.Options.Epochs * state.Data.Train.Steps;
        among?.Advance(label, (double)state.Step / total);
        if (!line.Exists || among is not null)
            return;
        var left = TimeSpan.FromSeconds(clock.Elapsed.TotalSeconds / (state.Step - firstStep) * (total - state.Step));
        line.Draw(Line(line.Width, label, state.Epoch + 1, state.Options.Epochs, (double)state.Step / total, left,
            imagesSinceStart / clock.Elapsed.TotalSeconds, state.Loss));
    }

    /// <summary>The progress line, in at most <paramref name="width"/> characters.</summary>
    public static ProgressLine Line(int width, string label, int epoch, int epochs, double share, TimeSpan left, double speed,
        double loss) =>
        ProgressLine.Fit(width, label, string.Create(CultureInfo.InvariantCulture, $"epoch {epoch}/{epochs}"), share,
            $"{ProgressLine.Time(left)} left",
            string.Create(CultureInfo.InvariantCulture, $"{speed:N0} img/s"),
                string.Create(CultureInfo.InvariantCulture, $"loss {loss:F3}"));

    public override void OnTrainEpochEnd(TrainingState state)
    {
        if (among is not null)
            return;
        Say(new Notice(EpochLine(line.Exists ? line.Width - $"{label}: ".Length : int.MaxValue, state.Epoch, state.Options.Epochs,
            state.Metrics)));
    }

    /// <summary>
    /// The line of a finished epoch, in at most <paramref name="width"/> characters: the most important numbers come first, and those that
    /// do not fit are omitted.
    /// </summary>
    public static string EpochLine(int width, int epoch, int epochs, IReadOnlyDictionary<string, double> metrics)
    {
        string Shown(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
        string[] details =
        [
            .. metrics.TryGetValue("val/top1_error", out var error) || metrics.TryGetValue("val/map_error", out error)
                ? [Shown($"val error {error:P2}")] : Array.Empty<string>(),
            Shown($"train loss {metrics["train/loss"]:F4}"),
            Shown($"accuracy {metrics["train/accuracy"]:P2}"),
            Shown($"{metrics["images_per_second"]:N0} img/s"),
        ];
        var text = Shown($"epoch {epoch}/{epochs}");
        foreach (var detail in details.TakeWhile(detail => text.Length + 2 + detail.Length <= width))
            text += $"  {detail}";
        return text;
    }

    public override void OnFitEnd(TrainingState state)
    {
        if (among is null)
            line.Clear();
    }
}
