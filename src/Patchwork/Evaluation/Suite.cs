using Patchwork.Data;
using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary>A group of measurements that answer one question about a trained network.</summary>
public abstract class Suite
{
    private protected Suite() { }

    /// <summary>Name on the command line and in result files.</summary>
    public abstract string Id { get; }

    /// <summary>Its heading in a report.</summary>
    public abstract string Title { get; }

    /// <summary>What it measures, in one sentence.</summary>
    public abstract string Summary { get; }

    /// <summary>The few metrics that answer the suite's question, for a terminal and a report.</summary>
    public abstract IReadOnlyList<Headline> Headlines { get; }

    /// <summary>What a test set lacks so that it cannot be measured on it, as the end of a sentence; null when it has all.</summary>
    public virtual string? Missing(Dataset test) => null;

    /// <summary>Measures. The same subject gives the same numbers.</summary>
    /// <exception cref="OperationCanceledException">The subject's token was cancelled.</exception>
    public abstract SuiteResult Measure(Subject subject);
}

/// <summary>A metric that is shown first.</summary>
/// <param name="Metric">Its name in results.</param>
/// <param name="Title">What people read.</param>
/// <param name="Percent">Whether it is a share, shown in percent.</param>
/// <param name="LowerIsBetter">Whether less of it is better; null where neither is.</param>
public sealed record Headline(string Metric, string Title, bool Percent = true, bool? LowerIsBetter = true);

/// <summary>The catalogue of suites, one line each.</summary>
public static class Suites
{
    /// <summary>All suites, in the order they are run.</summary>
    public static IReadOnlyList<Suite> All { get; } =
    [
        new CleanSuite(),
        new CalibrationSuite(),
        new OutOfDistributionSuite(),
        new CorruptionSuite(),
        new AdversarialSuite(),
        new OcclusionSuite(),
        new InBetweenSuite(),
        new LocalizationSuite(),
        new TransferSuite(),
    ];

    /// <summary>Suites by their names, in the order of the catalogue.</summary>
    /// <param name="names">Names separated by commas, or <c>all</c>.</param>
    /// <exception cref="InputException">No suite has one of the names; the nearest one is offered.</exception>
    public static IReadOnlyList<Suite> Parse(string names)
    {
        if (names == "all")
            return All;
        var wanted = names.Split(',', StringSplitOptions.TrimEntries);
        foreach (var name in wanted)
        {
            if (All.All(suite => suite.Id != name))
                throw InputException.Unknown("suite", name, ["all", .. All.Select(suite => suite.Id)]);
        }
        return [.. All.Where(suite => wanted.Contains(suite.Id))];
    }
}

/// <summary>What a suite measured.</summary>
public sealed class SuiteResult
{
    private readonly Dictionary<string, Metric> metrics = [];
    private readonly Dictionary<string, IReadOnlyList<double>> perImage = [];
    private readonly Dictionary<string, double[][]> tables = [];

    /// <summary>The numbers, by name in snake_case.</summary>
    public IReadOnlyDictionary<string, Metric> Metrics => metrics;

    /// <summary>For metrics that are the mean of a value an image, those values in the order of the test set: two networks can be compared image by image.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<double>> PerImage => perImage;

    /// <summary>Curves and matrices, rows of numbers, by name.</summary>
    public IReadOnlyDictionary<string, double[][]> Tables => tables;

    internal void Add(string name, double value, Interval? interval, long n) => metrics.Add(name, new Metric(value, interval, n));

    /// <summary>The mean of a value an image, with its bootstrap interval. All means of as many images are resampled alike.</summary>
    internal void AddMean(string name, IReadOnlyList<double> values, SeedStream seeds)
    {
        Add(name, values.Average(), Bootstrap.OfMean(values, seeds.Open("bootstrap")), values.Count);
        perImage.Add(name, values);
    }

    internal void AddTable(string name, IEnumerable<double[]> rows) => tables.Add(name, [.. rows]);

    internal static SuiteResult Of(IEnumerable<KeyValuePair<string, Metric>> metrics, IEnumerable<KeyValuePair<string, double[]>> perImage, IEnumerable<KeyValuePair<string, double[][]>> tables)
    {
        var result = new SuiteResult();
        foreach (var (name, metric) in metrics)
            result.metrics.Add(name, metric);
        foreach (var (name, values) in perImage)
            result.perImage.Add(name, values);
        foreach (var (name, rows) in tables)
            result.tables.Add(name, rows);
        return result;
    }
}
