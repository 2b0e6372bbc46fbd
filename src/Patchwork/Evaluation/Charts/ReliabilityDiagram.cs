using System.Globalization;

namespace Patchwork.Evaluation;

/// <summary>
/// Accuracy against confidence: one diagram per method, side by side, each with the line of perfect calibration, and below them the number
/// of images in each bin. Rows of the table are [lower, upper, count, confidence, accuracy] of a bin; the images of all seeds are pooled,
/// and bins without images are omitted.
/// </summary>
/// <param name="Table">Name of the table.</param>
/// <param name="Title">Its heading.</param>
public sealed record ReliabilityDiagram(string Table, string Title) : SuiteChart
{
    /// <inheritdoc/>
    public override IEnumerable<Chart> Of(IReadOnlyList<MeasuredMethod> methods) => !methods.All(method => method.Has(Table)) ? [] :
    [
        new ChartRow([.. methods.Select(method =>
            new LineChart(methods.Count == 1 ? Title : $"{Title}: {method.Method}", "confidence, %", "accuracy, %",
            [
                new ChartSeries(method.Method, [.. Points(method.Tables(Table))]),
                new ChartSeries("confidence = accuracy", [new(0, 0), new(100, 100)]) { Reference = true },
            ]))]),
        Counts(methods),
    ];

    // Shown because a point from few images varies a lot by chance.
    private HeatChart Counts(IReadOnlyList<MeasuredMethod> methods)
    {
        var bins = methods[0].Tables(Table)[0];
        string[] edges = [.. bins.Select(bin => (100 * bin[1]).ToString("F0", CultureInfo.InvariantCulture))];
        double[][] counts = [.. methods.Select(method => edges.Select((_, bin) => method.Tables(Table).Sum(rows => rows[bin][2]))
            .Select(count => count > 0 ? count : double.NaN).ToArray())];
        var seeds = methods[0].Results.Count > 1 ? ", all seeds" : "";
        return new HeatChart($"{Title}: images per bin{seeds}", [.. methods.Select(method => method.Method)],
            [new("confidence up to, %", edges, counts)],
            $"Table of numbers of images: a row for each of {string.Join(", ", methods.Select(method => method.Method))}, and a column for "
            + $"each of {edges.Length} bins of confidence.");
    }

    private static IEnumerable<ChartPoint> Points(IReadOnlyList<double[][]> tables) =>
        tables.SelectMany(table => table.Index()).GroupBy(bin => bin.Index, bin => bin.Item)
            .Where(bins => bins.Sum(bin => bin[2]) > 0).OrderBy(bins => bins.Key)
            .Select(bins => new ChartPoint(100 * Mean(bins, 3), 100 * Mean(bins, 4)));

    private static double Mean(IEnumerable<double[]> bins, int column) => bins.Sum(bin => bin[2] * bin[column]) / bins.Sum(bin => bin[2]);
}
