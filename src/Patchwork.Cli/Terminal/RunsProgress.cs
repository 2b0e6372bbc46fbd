using System.Diagnostics;
using System.Globalization;

namespace Patchwork.Cli.Terminal;

/// <summary>
/// Runs that go on at the same time: how many are done, how much of the whole, and on a terminal the table of their results.
/// </summary>
/// <param name="line">The line.</param>
/// <param name="title">What is done with them.</param>
/// <param name="labels">What the runs are called.</param>
/// <param name="finished">Those that are done already.</param>
/// <param name="table">Stands above the line; null for none.</param>
/// <param name="quiet">True draws nothing.</param>
internal sealed class RunsProgress(LiveLine line, string title, IEnumerable<string> labels, IEnumerable<string> finished,
    RunsTable? table = null, bool quiet = false)
{
    // The first steps of a process are slow: code is compiled, memory is claimed.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2), Measured = TimeSpan.FromSeconds(4);

    private readonly Lock gate = new();
    private readonly Dictionary<string, double> shares = labels.ToDictionary(label => label, label => finished.Contains(label) ? 1.0 : 0);
    private readonly Stopwatch drawn = Stopwatch.StartNew();
    private long? since;
    private double? before;
    private bool estimated;

    /// <summary>Called once, as soon as it can be told how long the whole will take.</summary>
    public Action<TimeSpan>? Estimate { get; init; }

    /// <summary>What the estimate is measured by. Default: the system's clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Records how much of a run is done, 0 to 1; from any thread.</summary>
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
