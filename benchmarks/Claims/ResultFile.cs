using System.Globalization;
using Patchwork.Evaluation;
using Patchwork.Formats;
using Patchwork.Mixing;

namespace Patchwork.Claims;

/// <summary>
/// The numbers of an experiment, by method, metric and seed: the columns <c>test_error_last</c>, <c>test_error_best</c> and
/// <c>train_accuracy</c> of <c>NAME.csv</c> in percent and <c>seconds</c>, and <c>suite.metric</c> of <c>NAME-evaluation.csv</c> in
/// percent, with the intervals of <c>NAME-differences.csv</c> and <c>NAME-pairs.csv</c>.
/// </summary>
public sealed class ResultFile
{
    // Suites evaluate the network of the last epoch, so this is test_error_last.
    private const string TestError = "clean.top1_error";

    private readonly Dictionary<(string Method, string Metric), SortedDictionary<int, double>> values = [];
    private readonly Dictionary<(string Method, string Against, string Metric), (Interval Interval, int Seeds)> overImages = [];
    private readonly Dictionary<(string Method, int Seed), string> precisions = [];

    private ResultFile() { }

    /// <summary>The methods, in the order of the file.</summary>
    public IReadOnlyList<string> MethodNames => [.. values.Keys.Select(key => key.Method).Distinct()];

    /// <summary>Number of runs that were measured.</summary>
    public int Runs => values.SelectMany(one => one.Value.Keys.Select(seed => (one.Key.Method, seed))).Distinct().Count();

    /// <summary>Reads what is there of an experiment; nothing is there before its first run has ended.</summary>
    /// <param name="folder">The folder of the files.</param>
    /// <param name="name">The name of the experiment.</param>
    public static ResultFile Read(string folder, string name)
    {
        var result = new ResultFile();
        foreach (var row in Rows(Path.Combine(folder, $"{name}.csv")))
        {
            foreach (var metric in (string[])["test_error_last", "test_error_best", "train_accuracy", "seconds"])
            {
                if (row.TryGetValue(metric, out var text) && text.Length > 0)
                    result.Add(row["method"], metric, Seed(row), text, 1);
            }
            if (row.TryGetValue("precision", out var precision))
                result.precisions[(row["method"], Seed(row))] = precision;
        }
        foreach (var row in Rows(Path.Combine(folder, $"{name}-evaluation.csv")).Where(row => row["value"].Length > 0))
            result.Add(row["method"], $"{row["suite"]}.{row["metric"]}", Seed(row), row["value"], 100);
        foreach (var row in Rows(Path.Combine(folder, $"{name}-differences.csv")).Where(row => row["images_low"].Length > 0))
            result.AddOverImages(row, Methods.Baseline);
        foreach (var row in Rows(Path.Combine(folder, $"{name}-pairs.csv")))
            result.AddOverImages(row, row["against"]);
        return result;
    }

    /// <summary>
    /// The 95 % interval over the test images of a metric's difference between two methods; null if it is not known, or only for fewer
    /// seeds, as while an experiment runs.
    /// </summary>
    public Interval? OverImages(string method, string against, string metric, int seeds) =>
        overImages.TryGetValue((method, against, metric), out var known) && known.Seeds == seeds ? known.Interval : null;

    /// <summary>The precision that a run was trained in; null if there is no such run.</summary>
    public string? PrecisionOf(string method, int seed) => precisions.GetValueOrDefault((method, seed));

    /// <summary>The values of a metric by seed; empty if there are none.</summary>
    public IReadOnlyDictionary<int, double> Of(string method, string metric) =>
        values.TryGetValue((method, metric), out var seeds) ? seeds : [];

    /// <summary>
    /// Whether the suites measured the networks of all of a method's runs: they give the same test errors, up to the rounding to 0.01 %.
    /// </summary>
    public bool IsMeasured(string method) => Of(method, "test_error_last").All(run =>
        Of(method, TestError).TryGetValue(run.Key, out var error) && Math.Abs(error - run.Value) < 0.01);

    /// <summary>The points of an experiment's curves: the rows of <c>NAME-curves.csv</c>.</summary>
    public static IReadOnlyList<CurvePoint> Curves(string folder, string name) =>
        [.. Rows(Path.Combine(folder, $"{name}-curves.csv")).Select(row => new CurvePoint(row["suite"], row["curve"], row["method"],
            Seed(row), Number(row["x"]), Number(row["y"])))];

    private void Add(string method, string metric, int seed, string text, double scale)
    {
        if (!values.TryGetValue((method, metric), out var seeds))
            values[(method, metric)] = seeds = [];
        seeds.Add(seed, scale * Number(text));
    }

    private void AddOverImages(Dictionary<string, string> row, string against)
    {
        var metric = $"{row["suite"]}.{row["metric"]}";
        overImages[(row["method"], against, metric == TestError ? "test_error_last" : metric)] =
            (new(100 * Number(row["images_low"]), 100 * Number(row["images_high"])), int.Parse(row["seeds"], CultureInfo.InvariantCulture));
    }

    private static int Seed(Dictionary<string, string> row) => int.Parse(row["seed"], CultureInfo.InvariantCulture);

    private static IEnumerable<Dictionary<string, string>> Rows(string path)
    {
        if (!File.Exists(path))
            return [];
        var rows = DelimitedText.Read(path).Rows;
        return rows.Skip(1).Select(row => rows[0].Cells.Zip(row.Cells).ToDictionary(cell => cell.First, cell => cell.Second));
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>A point of a suite's curve, as <c>compare</c> writes it: shares are between 0 and 1.</summary>
public sealed record CurvePoint(string Suite, string Table, string Method, int Seed, double X, double Y);
