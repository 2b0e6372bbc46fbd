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
internal sealed class RunsProgress(LiveLine line, string title, IEnumerable<string> labels, IEnumerable<string> finished,
    RunsTable? table = null)
{
    // The first steps of a process are slow: code is compiled, memory is claimed.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2), Measured = TimeSpan.FromSeconds(4);

    private readonly Lock gate = new();
    private readonly Dictionary<string, double> shares = labels.ToDictionary(label => label, label => finished.Contains(label) ? 1.0 : 0);
    private readonly Stopwatch clock = new(), drawn = Stopwatch.StartNew();
    private double? before;
    private bool estimated;

    /// <summary>Called when work begins, before the first step is counted.</summary>
    public Action? Begin { get; init; }

    /// <summary>Called once, as soon as it can be told how long the whole will take.</summary>
    public Action<TimeSpan>? Estimate { get; init; }

    /// <summary>Takes down how much of a run is done, 0 to 1; from any thread.</summary>
    public void Advance(string label, double share)
    {
        TimeSpan? whole = null;
        lock (gate)
        {
            if (!clock.IsRunning)
                Begin?.Invoke();
            clock.Start();
            shares[label] = share;
            if (before is null && clock.Elapsed >= WarmUp)
            {
                before = shares.Values.Average();
                clock.Restart();
            }
            if (!estimated && clock.Elapsed >= Measured && Left() is { } left)
                (estimated, whole) = (true, left);
            if (line.Exists && drawn.ElapsedMilliseconds >= 100)
                Draw();
        }
        if (whole is { } time)
            Estimate?.Invoke(time);
    }

    /// <summary>
    /// Takes down that a run is done, with its test error in percent. Returns how the whole stands, as <c>3 of 12 runs</c>.
    /// </summary>
    public string Finish(string label, double error)
    {
        lock (gate)
        {
            shares[label] = 1;
            table?.Finish(label, error);
            if (line.Exists)
                Draw();
            return Position;
        }
    }

    private string Position => string.Create(CultureInfo.InvariantCulture,
        $"{shares.Values.Count(share => share >= 1)} of {shares.Count} runs");

    private TimeSpan? Left() => before is { } start && shares.Values.Average() is var now && now > start
        ? clock.Elapsed / (now - start) * (1 - now) : null;

    private void Draw()
    {
        drawn.Restart();
        line.Draw(Line(line.Width, title, Position, shares.Values.Average(), Left()),
            table is not null && table.Width <= line.Width ? table.Lines(shares) : []);
    }

    /// <summary>The progress line, in at most <paramref name="width"/> characters.</summary>
    public static ProgressLine Line(int width, string title, string position, double share, TimeSpan? left) =>
        ProgressLine.Fit(width, title, position, share,
            left is { } time ? [$"{ProgressLine.Time(time)} left"] : []);
}
