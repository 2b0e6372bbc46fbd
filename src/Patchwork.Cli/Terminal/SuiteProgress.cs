using System.Diagnostics;
using Patchwork.Evaluation;
using Patchwork.Runs;
using Patchwork.Training;

namespace Patchwork.Cli.Terminal;

/// <summary>
/// Shows the progress of an evaluation on standard error: on a terminal one line that is redrawn, with the share done and the time left; in
/// a log one line per suite. Shows only warnings if quiet, and no progress line of its own if several run at the same time.
/// </summary>
internal sealed class SuiteProgress(LiveLine line, string label, bool quiet, RunsProgress? among = null)
{
    private readonly Stopwatch clock = new(), drawn = Stopwatch.StartNew();
    private Suite? current;

    /// <summary>Prints one line, above the progress line if there is one.</summary>
    public void Say(Notice notice)
    {
        if (notice.IsWarning || (!quiet && (among is null || !line.Exists)))
            line.PrintAbove($"{label}: {Flags.In(notice.ToString())}");
    }

    public void Advance(EvaluationProgress progress)
    {
        if (quiet || !line.Exists)
            return;
        var (suite, share) = (progress.Suite, progress.Share);
        if (current != suite)
        {
            current = suite;
            clock.Restart();
        }
        if (among is not null)
        {
            among.Advance(label, progress.Whole);
            return;
        }
        if (share <= 0 || drawn.ElapsedMilliseconds < 100)
            return;
        drawn.Restart();
        line.Draw(Line(line.Width, label, suite.Id, share, TimeSpan.FromSeconds(clock.Elapsed.TotalSeconds / share * (1 - share))));
    }

    /// <summary>The progress line, in at most <paramref name="width"/> characters.</summary>
    public static ProgressLine Line(int width, string label, string suite, double share, TimeSpan left) =>
        ProgressLine.Fit(width, label, suite, share, $"{ProgressLine.Time(left)} left");
}
