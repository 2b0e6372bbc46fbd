namespace Patchwork.Evaluation;

/// <summary>
/// One receiver operating characteristic per out-of-distribution set, for the softmax score, with the diagonal of random guessing.
/// </summary>
internal sealed record RocCharts : SuiteChart
{
    private const string End = "_msp_roc";

    public override IEnumerable<Chart> Of(IReadOnlyList<MeasuredMethod> methods)
    {
        foreach (var table in methods[0].Results[0].Tables.Keys.Where(name => name.EndsWith(End, StringComparison.Ordinal)))
        {
            var title = $"Test images against {table[..^End.Length]}, softmax";
            var chart = new CurveChart(table, title, "out-of-distribution images accepted, %", "test images accepted, %")
            {
                XScale =
                100
            }.Over(methods);
            // Without bands, which would extend outside the unit square.
            var lines = chart.Series.Select(series =>
                series with { Points = [.. series.Points.Select(point => new ChartPoint(point.X, point.Mean))] });
            yield return chart with { Series = [.. lines, new ChartSeries("chance", [new(0, 0), new(100, 100)]) { Reference = true }] };
        }
    }
}
