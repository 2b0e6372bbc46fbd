namespace Patchwork.Evaluation;

/// <summary>
/// The confidence of each method on the test images and on each out-of-distribution set. Rows of the tables are [lower end, share of test
/// images, share of images of the set] for twenty bins; the test images are the same for every set.
/// </summary>
internal sealed record ConfidenceHistograms : SuiteChart
{
    private const string End = "_msp_histogram";
    private const double HalfBin = 0.025;

    public override IEnumerable<Chart> Of(IReadOnlyList<MeasuredMethod> methods)
    {
        string[] tables = [.. methods[0].Results[0].Tables.Keys.Where(name => name.EndsWith(End, StringComparison.Ordinal))];
        return methods.Select(method => new LineChart($"Confidence of {method.Method}", "largest softmax value, %", "images, %",
        [
            Series("test images", method.Tables(tables[0]), 1),
            .. tables.Select(table => Series(table[..^End.Length], method.Tables(table), 2)),
        ]));
    }

    private static ChartSeries Series(string name, IReadOnlyList<double[][]> seeds, int column) => new(name,
        [.. seeds[0].Select((row, i) => new ChartPoint(100 * (row[0] + HalfBin), seeds.Average(rows => 100 * rows[i][column])))]);
}
