using System.Globalization;
using Patchwork.Evaluation;
using Patchwork.Mixing;
using Patchwork.Reporting;

namespace Patchwork.Comparisons;

/// <content>The numbers as tables for files: shares are between 0 and 1.</content>
public sealed partial class ComparedEvaluations
{
    /// <summary>Every metric of every run: suite, metric, method, seed, value, interval, images, limit, precision.</summary>
    public ResultTable AllMetrics() =>
        Columns("suite", "metric", "method", "seed", "value", "ci95_low", "ci95_high", "n", "limit", "precision")
        ([.. from pair in comparison.Runs.Zip(results) from one in pair.Second from metric in one.Result.Metrics
            select (IReadOnlyList<string>)[one.Suite.Id, metric.Key, pair.First.Method, Text(pair.First.Seed), Text(metric.Value.Value),
                Text(metric.Value.Ci95?.Low), Text(metric.Value.Ci95?.High), Text(metric.Value.N), Text(one.Limit),
                one.Precision.ToString().ToLowerInvariant()]]);

    /// <summary>
    /// Every metric's difference from the baseline: suite, metric, method, mean over the seeds, and its 95 % intervals over the test images
    /// and over the seeds; no rows without a baseline.
    /// </summary>
    public ResultTable Differences() =>
        Columns("suite", "metric", "method", "difference", "images_low", "images_high", "seeds_low", "seeds_high", "seeds")
        ([.. from suite in suites from metric in Of(suite, comparison.Methods[0])[0].Metrics.Keys where Has(suite, metric)
            from method in comparison.Methods let change = Change(suite, metric, method) where change is not null
            select (IReadOnlyList<string>)[suite.Id, metric, method, Text(change.Value), Text(change.OverImages?.Low),
                Text(change.OverImages?.High), Text(change.OverSeeds?.Low), Text(change.OverSeeds?.High),
                Text(comparison.Of(method).Count())]]);

    /// <summary>
    /// The points of every run's curves over a strength or a size (<see cref="CurveChart"/>): suite, curve, method, seed, x, y.
    /// </summary>
    public ResultTable Curves() => Columns("suite", "curve", "method", "seed", "x", "y")
        ([.. from pair in comparison.Runs.Zip(results) from one in pair.Second from chart in one.Suite.Charts.OfType<CurveChart>()
            where one.Result.Tables.ContainsKey(chart.Table) from point in one.Result.Tables[chart.Table]
            select (IReadOnlyList<string>)[one.Suite.Id, chart.Table, pair.First.Method, Text(pair.First.Seed), Text(point[0]),
                Text(point[1])]]);

    private static Func<IReadOnlyList<IReadOnlyList<string>>, ResultTable> Columns(params string[] titles) =>
        rows => new([.. titles.Select(title => new ResultColumn(title))], rows);

    private static string Text(IFormattable? value) =>
        value is null or double.NaN ? "" : value.ToString(null, CultureInfo.InvariantCulture);
}
