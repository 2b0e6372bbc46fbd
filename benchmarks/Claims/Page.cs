using System.Globalization;
using System.Text;
using Patchwork.Evaluation;
using Patchwork.Mixing;
using Patchwork.Reporting;

namespace Patchwork.Claims;

/// <summary>
/// Makes the table of claims and the figures from the files of results; what has not been measured yet has no row and no figure.
/// </summary>
/// <param name="results">The folder of results.</param>
public sealed class Page(string results)
{
    private readonly Dictionary<string, ResultFile> files =
        Experiment.All.ToDictionary(experiment => experiment.Name, experiment => ResultFile.Read(results, experiment.Name));

    private const string End = "<!-- end -->";

    /// <summary>The lines that begin the parts of the page that are made, up to <c>&lt;!-- end --&gt;</c>, and these parts.</summary>
    private (string Begin, string Text)[] Parts =>
    [
        ("<!-- claims: made by benchmarks/Claims from results/ -->", Table() + Missing()),
        ("<!-- all methods: made by benchmarks/Claims from results/ -->", Gain.Table(files["clothing-all"])),
    ];

    /// <summary>The table of claims, as Markdown.</summary>
    private string Table()
    {
        var table = new StringBuilder();
        foreach (var claim in Paper.Claims)
        {
            if (claim.Judged(files[claim.Experiment]) is { } judged)
                table.Append(CultureInfo.InvariantCulture,
                    $"| {claim.Text} | {claim.Paper} | {judged.Here} ([file](../../results/{File(claim)})) | {judged.Verdict} |\n");
        }
        return table.Length == 0 ? "" : $"| claim | the paper | here | |\n|---|---|---|---|\n{table}";
    }

    private static string File(Claim claim) => claim.Experiment + (claim.Metric.Contains('.') ? "-evaluation.csv" : ".csv");

    /// <summary>
    /// The page with what these results give: both tables, and the names of the experiments without results or with a part of them.
    /// </summary>
    /// <param name="page">The page as it is.</param>
    /// <exception cref="InputException">The page lacks a line that a table stands between.</exception>
    public string Filled(string page)
    {
        foreach (var (begin, text) in Parts)
        {
            var start = page.IndexOf(begin, StringComparison.Ordinal);
            var end = page.IndexOf(End, Math.Max(0, start), StringComparison.Ordinal);
            page = start < 0 || end < 0 ? throw new InputException($"The page must contain the line {begin} and below it {End}.")
                : $"{page[..(start + begin.Length)]}\n{text}{page[end..]}";
        }
        return page;
    }

    private string Missing()
    {
        var missing = files.Where(file => file.Value.MethodNames.Count == 0).Select(file => $"`{file.Key}`").ToArray();
        var begun = Experiment.All.Select(experiment =>
                (experiment.Name, Of: experiment.Methods.Count * experiment.Seeds, Is: files[experiment.Name].Runs))
            .Where(runs => runs.Is > 0 && runs.Is < runs.Of).Select(runs => $"`{runs.Name}`, {runs.Is} of {runs.Of} runs").ToArray();
        return List("Not measured yet", missing) + List("Not finished", begun);

        static string List(string title, string[] names) => names.Length == 0 ? "" : $"\n{title}: {string.Join("; ", names)}.\n";
    }

    /// <summary>A number as the page states it, with two decimals.</summary>
    internal static string Number(double value) => value.ToString("F2", CultureInfo.InvariantCulture);

    /// <summary>Half the width of an interval, behind ±.</summary>
    internal static string PlusMinus(Interval interval) => $"± {Number((interval.High - interval.Low) / 2)}";

    /// <summary>The figures that the results suffice for, as SVG by file name.</summary>
    public IReadOnlyDictionary<string, string> Figures()
    {
        var figures = new Dictionary<string, string>();
        if (Dose() is { } dose)
            figures["dose.svg"] = Figure.Svg(dose);
        foreach (var (file, experiment, title) in ((string, string, string)[])
        [
            ("cifar10.svg", "cifar10-full", "CIFAR-10 in full"),
            ("cifar100.svg", "cifar100-full", "CIFAR-100 in full"),
            ("seeds.svg", "clothing-seeds", "Photographs, ten seeds"),
            ("hidden.svg", "clothing-hidden", "Where CutMix is applied"),
            ("stacks.svg", "clothing-stacks", "Methods and their stacks"),
            ("all.svg", "clothing-all", "All methods"),
        ])
        {
            if (Errors(experiment, title) is { } chart)
                figures[file] = Figure.Svg(chart);
        }
        foreach (var experiment in (string[])["cifar10-full-beyond", "cifar100-full-beyond", "cifar100-10000-plain", "clothing-beyond"])
        {
            foreach (var (name, chart) in Curves(experiment))
                figures[$"{experiment}-{name}.svg"] = Figure.Svg(chart);
        }
        return figures;
    }

    // The paper's figure 3 (left), over the probability too: one curve per α, all of which begin at the baseline.
    private LineChart? Dose()
    {
        var file = files["clothing-dose"];
        if (!Comparable(file))
            return null;
        ChartPoint Point(double probability, string method)
        {
            var errors = Statistic.Of(file.Of(method, "test_error_last").Values);
            return new(probability, errors.Mean, errors.StandardDeviation);
        }
        return new LineChart("CutMix by probability and α", "probability that a batch is mixed", "test error, %",
            [.. from method in file.MethodNames where method != Methods.Baseline
                let cutMix = (CutMix)MethodStack.Parse(method).Mixer!
                group (cutMix.Probability, method) by cutMix.Alpha into dose
                orderby dose.Key
                select new ChartSeries(string.Create(CultureInfo.InvariantCulture, $"α {dose.Key}"),
                    [Point(0, Methods.Baseline), .. dose.Order().Select(one => Point(one.Probability, one.method))])]);
    }

    private static bool Comparable(ResultFile file) => file.MethodNames.Contains(Methods.Baseline) && file.MethodNames.Count > 1;

    private DotChart? Errors(string experiment, string title)
    {
        var file = files[experiment];
        if (!Comparable(file))
            return null;
        var rows = file.MethodNames.Select(method => new DotRow(method, [.. file.Of(method, "test_error_last").Values]))
            .Select(row => (Row: row, Mean: row.Values.Average())).OrderBy(row => row.Mean).ToArray();
        var reference = rows.Single(row => row.Row.Name == Methods.Baseline).Mean;
        // A method that fails would squeeze all others into a corner of the scale.
        var failed = rows.Where(row => row.Mean > 2 * reference)
            .Select(row => string.Create(CultureInfo.InvariantCulture, $"{row.Row.Name} ({row.Mean:F1} %)")).ToArray();
        return new DotChart(failed.Length == 0 ? title : $"{title} but {string.Join(", ", failed)}", "test error, %",
            [.. rows.SkipLast(failed.Length).Select(row => row.Row)])
        {
            Reference = reference,
        };
    }

    // The paper's figure 5 and the attacks: the curves of the suites, from the points that were kept.
    private IEnumerable<(string Name, LineChart Chart)> Curves(string experiment)
    {
        var points = ResultFile.Curves(results, experiment).ToLookup(point => (point.Suite, point.Table));
        return from suite in Suites.All
               from curve in suite.Charts.OfType<CurveChart>()
               let methods = points[(suite.Id, curve.Table)].GroupBy(point => point.Method).Select(Measured).ToArray()
               where methods.Length > 0
               from chart in curve.Of(methods)
               select ($"{suite.Id}-{curve.Table}", (LineChart)chart);

        static MeasuredMethod Measured(IGrouping<string, CurvePoint> method) => new(method.Key, [.. method.GroupBy(point => point.Seed)
            .Select(seed =>
            {
                var result = new SuiteResult();
                result.AddTable(seed.First().Table, seed.Select(point => new[] { point.X, point.Y }));
                return result;
            })]);
    }
}
