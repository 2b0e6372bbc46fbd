using System.Diagnostics;
using System.Globalization;

namespace Patchwork.Cli.Terminal;

/// <summary>One line for runs that go on at the same time: how many are done, and how much of the whole.</summary>
/// <param name="line">The line.</param>
/// <param name="title">What is done with them.</param>
/// <param name="labels">What the runs are called.</param>
/// <param name="finished">Those that are done already.</param>
internal sealed class RunsProgress(LiveLine line, string title, IEnumerable<string> labels, IEnumerable<string> finished)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, double> shares = labels.ToDictionary(label => label, label => finished.Contains(label) ? 1.0 : 0);
    private readonly Stopwatch clock = new(), drawn = Stopwatch.StartNew();
    private double before;

    /// <summary>Takes down how much of a run is done, 0 to 1; from any thread.</summary>
    public void Advance(string label, double share)
    {
        lock (gate)
        {
            if (!clock.IsRunning)
            {
                before = shares.Values.Average();
                clock.Start();
            }
            shares[label] = share;
            var whole = shares.Values.Average();
            if (!line.Exists || whole <= before || drawn.ElapsedMilliseconds < 100)
                return;
            drawn.Restart();
            line.Draw(Line(line.Width, title, shares.Values.Count(one => one >= 1), shares.Count, whole,
                clock.Elapsed / (whole - before) * (1 - whole)));
        }
    }

    /// <summary>The progress line, in at most <paramref name="width"/> characters.</summary>
    public static ProgressLine Line(int width, string title, int done, int runs, double share, TimeSpan left) =>
        ProgressLine.Fit(width, title, string.Create(CultureInfo.InvariantCulture, $"{done} of {runs} runs"), share,
            $"{ProgressLine.Time(left)} left");
}
