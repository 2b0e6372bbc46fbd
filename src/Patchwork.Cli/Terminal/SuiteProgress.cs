using System.Diagnostics;
using System.Globalization;
using Patchwork.Evaluation;

namespace Patchwork.Cli.Terminal;

/// <summary>Shows an evaluation on standard error: on a terminal one line that is redrawn with the share done and the time left, in a log a line a suite.</summary>
internal sealed class SuiteProgress(string label, bool quiet)
{
    private static readonly bool Live = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");
    private readonly Stopwatch clock = new(), drawn = Stopwatch.StartNew();
    private Suite? current;

    /// <summary>Prints one line, above the progress line if there is one.</summary>
    public void Say(string line)
    {
        if (quiet)
            return;
        Clear();
        Console.Error.WriteLine($"{label}: {line}");
    }

    public void Advance(Suite suite, double share)
    {
        if (quiet || !Live)
            return;
        if (current != suite)
        {
            current = suite;
            clock.Restart();
        }
        if (drawn.ElapsedMilliseconds < 100)
            return;
        drawn.Restart();
        var left = TimeSpan.FromSeconds(clock.Elapsed.TotalSeconds / share * (1 - share));
        Clear();
        Console.Error.Write(string.Create(CultureInfo.InvariantCulture, $"{label}  {suite.Id} {share,4:P0}  {left:m\\:ss} left"));
    }

    public static void Clear()
    {
        if (Live)
            Console.Error.Write("\r\e[2K");
    }
}
