using System.Globalization;
using Patchwork.Evaluation;
using Patchwork.Reporting;

namespace Patchwork.Comparisons;

/// <summary>The curves of one suite: means over the seeds, their sample deviation as a band.</summary>
/// <param name="methods">The methods, a curve each.</param>
/// <param name="results">What was measured of a method, one result a seed.</param>
internal sealed class SuiteCharts(IReadOnlyList<string> methods, Func<string, IReadOnlyList<SuiteResult>> results)
{
    /// <summary>The charts of a suite; none for one without curves.</summary>
    public IEnumerable<HtmlFragment> Of(Suite suite) => suite is CorruptionSuite ? Names("errors").Select(table => HtmlFragment.Chart(Corruptions(table))) : Lines(suite).Select(HtmlFragment.Chart);

    private IEnumerable<LineChart> Lines(Suite suite) => suite switch
    {
        CalibrationSuite => new[] { ("Reliability as trained", "reliability"), ("Reliability with the fitted temperature", "scaled_reliability") }
            .Where(chart => Has(chart.Item2)).Select(chart => Reliability(chart.Item1, chart.Item2)),
        OutOfDistributionSuite => Names("_msp_roc").Select(Roc)
            .Concat(methods.Select(Histogram)),
        OcclusionSuite => Occlusion.All.Select(kind => Curve($"{kind.Place} covered, {(kind.Fill == OcclusionFill.Black ? "black" : "mean colour")}", kind.Id,
            kind.Place == OcclusionPlace.Centre ? "side of the covered square, pixels" : "side of the square that is left, pixels", "error, %", 1, 100)),
        InBetweenSuite =>
        [
            Curve("Between two images, blended", "mixup", "share λ of the first image", "error: neither class, %", 1, 100),
            Curve("Between two images, pasted", "cutmix", "side of the pasted square, pixels", "error: neither class, %", 1, 100),
        ],
        _ => [],
    };

    private IEnumerable<string> Names(string end) => results(methods[0])[0].Tables.Keys.Where(name => name.EndsWith(end, StringComparison.Ordinal));

    private bool Has(string table) => methods.All(method => results(method).All(result => result.Tables.ContainsKey(table)));

    // Rows [index of the kind, error at each severity].
    private HeatChart Corruptions(string table)
    {
        var rows = results(methods[0])[0].Tables[table];
        string[] severities = [.. Enumerable.Range(1, rows[0].Length - 1).Select(severity => severity.ToString(CultureInfo.InvariantCulture))];
        return new HeatChart("Error under corruption, %, by severity", [.. rows.Select(row => CorruptionSuite.Kinds[(int)row[0]].Replace('_', ' '))],
            [.. methods.Select(method => new HeatGroup(method, severities, [.. rows.Select((row, kind) =>
                row.Skip(1).Select((_, severity) => 100 * results(method).Average(result => result.Tables[table][kind][severity + 1])).ToArray())]))],
            $"Table of errors in percent: a row for each of {rows.Length} kinds of corruption, and for each of {string.Join(", ", methods)} a column for each severity from 1 to 5.");
    }

    // Rows [x, y] at the same places in every result.
    private LineChart Curve(string title, string table, string xTitle, string yTitle, double xScale, double yScale) => new(title, xTitle, yTitle, [.. methods.Select(method =>
    {
        var curves = results(method).Select(result => result.Tables[table]).ToArray();
        return new ChartSeries(method, [.. curves[0].Select((row, i) =>
        {
            var value = Statistic.Of(curves.Select(curve => yScale * curve[i][1]));
            return new ChartPoint(xScale * row[0], value.Mean, value.Deviation);
        })]);
    })]);

    // Without bands, which would leave the square.
    private LineChart Roc(string table)
    {
        var chart = Curve($"Test images told from {table[..^8]}, by softmax", table, "unknown images accepted, %", "test images accepted, %", 100, 100);
        var lines = chart.Series.Select(series => series with { Points = [.. series.Points.Select(point => new ChartPoint(point.X, point.Mean))] });
        return chart with { Series = [.. lines, new ChartSeries("chance", [new(0, 0), new(100, 100)]) { Reference = true }] };
    }

    // Rows [lower, upper, count, confidence, accuracy]; the images of all seeds together, bins without images left out.
    private LineChart Reliability(string title, string table) => new(title, "confidence, %", "accuracy, %",
    [
        .. methods.Select(method => new ChartSeries(method, [.. results(method).SelectMany(result => result.Tables[table].Index()).GroupBy(bin => bin.Index, bin => bin.Item)
            .Where(bins => bins.Sum(bin => bin[2]) > 0).OrderBy(bins => bins.Key)
            .Select(bins => new ChartPoint(100 * Mean(bins, 3), 100 * Mean(bins, 4)))])),
        new ChartSeries("confidence = accuracy", [new(0, 0), new(100, 100)]) { Reference = true },
    ]);

    private static double Mean(IEnumerable<double[]> bins, int column) => bins.Sum(bin => bin[2] * bin[column]) / bins.Sum(bin => bin[2]);

    // Rows [lower end, share of in-images, share of out-images]: the in-images are the same against every set.
    private LineChart Histogram(string method)
    {
        var names = Names("_msp_histogram").ToArray();
        ChartSeries Series(string name, string table, int column) => new(name, [.. results(method)[0].Tables[table].Select((row, i) =>
            new ChartPoint(100 * (row[0] + 0.025), results(method).Average(result => 100 * result.Tables[table][i][column])))]);
        return new($"Confidence of {method}", "largest softmax value, %", "images, %", [Series("test images", names[0], 1), .. names.Select(name => Series(name[..^14], name, 2))]);
    }
}
