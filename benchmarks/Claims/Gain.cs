using System.Globalization;
using System.Text;
using Patchwork.Evaluation;
using Patchwork.Mixing;
using static Patchwork.Claims.Page;

namespace Patchwork.Claims;

/// <summary>What a method gains over the baseline, and how long it trains for that.</summary>
/// <param name="Method">The method.</param>
/// <param name="Error">Mean test error over the seeds that the baseline has too, in percent.</param>
/// <param name="Points">The baseline's error minus the method's, over the seeds that both have, in percentage points.</param>
/// <param name="OverSeeds">The 95 % interval of <paramref name="Points"/> over the seeds; null for one seed.</param>
/// <param name="Minutes">The shortest of its trainings, in minutes: what else the machine does can only make them longer.</param>
public sealed record Gain(string Method, double Error, double Points, Interval? OverSeeds, double Minutes)
{
    /// <summary>Points gained for each minute of training; null if the method gains nothing.</summary>
    public double? PerMinute => Points > 0 ? Points / Minutes : null;

    /// <summary>All methods of an experiment but the baseline, sorted by what they gain for a minute of training.</summary>
    public static IReadOnlyList<Gain> Sorted(ResultFile results) =>
        [.. results.MethodNames.Where(method => method != Methods.Baseline).Select(method => Of(results, method)).OfType<Gain>()
            .OrderByDescending(gain => gain.PerMinute ?? double.MinValue).ThenByDescending(gain => gain.Points)];

    /// <summary>The sorted gains as a Markdown table; empty if there are none.</summary>
    public static string Table(ResultFile results)
    {
        var table = new StringBuilder();
        foreach (var gain in Sorted(results))
        {
            var interval = gain.OverSeeds is { } ends ? $" {PlusMinus(ends)}" : "";
            var perMinute = gain.PerMinute is { } points ? Number(points) : "-";
            table.Append(CultureInfo.InvariantCulture,
                $"| `{gain.Method}` | {Number(gain.Error)} | {Number(gain.Points)}{interval} | {Number(gain.Minutes)} | {perMinute} |\n");
        }
        return table.Length == 0 ? ""
            : "| method | test error, % | gain over the seeds, points | shortest training, min | points per minute |\n"
                + $"|---|---|---|---|---|\n{table}";
    }

    private static Gain? Of(ResultFile results, string method) =>
        SeedPairs.Of(results, method, Methods.Baseline, "test_error_last") is { } pairs
            ? new(method, pairs.Own, pairs.Gain, pairs.OverSeeds, results.Of(method, "seconds").Values.Min() / 60) : null;
}
