using System.Globalization;

namespace Patchwork.Cli.Terminal;

/// <summary>A progress line that fits the terminal, because a line that wraps could not be redrawn.</summary>
/// <param name="Label">What is running.</param>
/// <param name="Position">The current position.</param>
/// <param name="Done">The filled part of the bar; empty if there is no room for a bar.</param>
/// <param name="Rest">The empty part of the bar.</param>
/// <param name="Tail">The percentage, and as many details as fit.</param>
internal readonly record struct ProgressLine(string Label, string Position, string Done, string Rest, string Tail)
{
    private const int LongestBar = 24, ShortestBar = 8;

    /// <summary>The complete line.</summary>
    public string Text => $"{Label}{Position}{Done}{Rest}{Tail}";

    /// <summary>
    /// Builds the most complete line of at most <paramref name="width"/> characters. To save room the bar shrinks first; then details are
    /// dropped, the last one first, then the bar, then the end of the label.
    /// </summary>
    /// <param name="width">The maximum number of characters.</param>
    /// <param name="label">What is running.</param>
    /// <param name="position">The current position, for example <c>epoch 3/20</c>.</param>
    /// <param name="share">The share that is done, 0 to 1.</param>
    /// <param name="details">Further details, the most important first.</param>
    public static ProgressLine Fit(int width, string label, string position, double share, params string[] details)
    {
        share = Math.Clamp(share, 0, 1);
        var percent = string.Create(CultureInfo.InvariantCulture, $" {share,5:P0}");
        position = $"  {position}";
        for (var shown = details.Length; shown >= 0; shown--)
        {
            var tail = percent + string.Concat(details.Take(shown).Select(detail => $"  {detail}"));
            var bar = Math.Min(LongestBar, width - label.Length - position.Length - 1 - tail.Length);
            if (bar >= ShortestBar)
                return WithBar(label, position, bar, share, tail);
        }
        var room = width - position.Length - percent.Length;
        if (room < 2)
            return new ProgressLine("", position.TrimStart()[..Math.Clamp(width, 0, position.TrimStart().Length)], "", "", "");
        return new ProgressLine(label.Length <= room ? label : $"{label[..(room - 1)]}…", position, "", "", percent);
    }

    /// <summary>Formats a time as hours, minutes and seconds; without hours below one hour.</summary>
    public static string Time(TimeSpan span) => span.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(long)span.TotalHours}:{span:mm\\:ss}")
            : span.ToString(@"m\:ss", CultureInfo.InvariantCulture);

    /// <summary>Formats an estimated time in one unit.</summary>
    public static string RoundedTime(TimeSpan time) => time switch
    {
        { TotalSeconds: < 90 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(time.TotalSeconds, 1):F0} s"),
        { TotalMinutes: < 90 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:F0} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:F1} h"),
    };

    private static ProgressLine WithBar(string label, string position, int bar, double share, string tail)
    {
        var filled = (int)(share * bar);
        return new ProgressLine(label, $"{position} ", new string('━', filled), new string('─', bar - filled), tail);
    }
}
