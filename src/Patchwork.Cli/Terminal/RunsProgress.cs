using System.Diagnostics;
using System.Globalization;

namespace Patchwork.Cli.Terminal;

/// <summary>
/// Shows the progress of several runs: how many are done, the overall share, and on a terminal the table of their results.
/// </summary>
/// <param name="line">The line to draw on.</param>
/// <param name="title">What the runs do: training or evaluating.</param>
/// <param name="labels">The labels of the runs.</param>
/// <param name="finished">The labels of runs that are already done.</param>
/// <param name="table">A table to draw above the line; null for none.</param>
/// <param name="quiet">True to draw nothing.</param>
internal sealed class RunsProgress(LiveLine line, string title, IEnumerable<string> labels, IEnumerable<string> finished,
    RunsTable? table = null, bool quiet = false)
{
    // The first steps of a process are slow: code is compiled and memory allocated.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2), Measured = TimeSpan.FromSeconds(4);

    private readonly Lock gate = new();
    private readonly Dictionary<string, double> shares = labels.ToDictionary(label => label, label => finished.Contains(label) ? 1.0 : 0);
    private readonly Stopwatch drawn = Stopwatch.StartNew();
    private long? since;
    private double? before;
    private bool estimated;

    /// <summary>Called once, as soon as the total time can be estimated.</summary>
    public Action<TimeSpan>? Estimate { get; init; }

    /// <summary>The clock for the estimate. Default: the system clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Records the share of a run that is done, 0 to 1. Thread-safe.</summary>
    public void Advance(string label, double share)
    {
        TimeSpan? estimate = null;
        lock (gate)
        {
            since ??= Clock.GetTimestamp();
            shares[label] = share;
            if (before is null && Elapsed >= WarmUp)
            {
                before = shares.Values.Average();
                since = Clock.GetTimestamp();
            }
            if (!estimated && Elapsed >= Measured && Left() is { } left)
                (estimated, estimate) = (true, left);
            if (drawn.ElapsedMilliseconds >= 100)
                Draw();
        }
        if (estimate is { } time)
            Estimate?.Invoke(time);
    }

    /// <summary>
    /// Records that a run is done, with its test error in percent. Returns the overall progress, as <c>3 of 12 runs</c>.
    /// </summary>
    public string Finish(string label, double error)
    {
        lock (gate)
        {
            shares[label] = 1;
            table?.Finish(label, error);
            Draw();
            return Position;
        }
    }

    private string Position => string.Create(CultureInfo.InvariantCulture,
        $"{shares.Values.Count(share => share >= 1)} of {shares.Count} runs");

    private TimeSpan Elapsed => since is { } start ? Clock.GetElapsedTime(start) : TimeSpan.Zero;

    private TimeSpan? Left() => before is { } start && shares.Values.Average() is var now && now > start
        ? Elapsed / (now - start) * (1 - now) : null;

    private void Draw()
    {
        if (quiet || !line.Exists)
            return;
        drawn.Restart();
        line.Draw(Line(line.Width, title, Position, shares.Values.Average(), Left()),
            table is not null && table.Width <= line.Width ? table.Lines(shares) : []);
    }

    /// <summary>The progress line, in at most <paramref name="width"/> characters.</summary>
    public static ProgressLine Line(int width, string title, string position, double share, TimeSpan? left) =>
        ProgressLine.Fit(width, title, position, share,
            left is { } time ? [$"{ProgressLine.Time(time)} left"] : []);
}
