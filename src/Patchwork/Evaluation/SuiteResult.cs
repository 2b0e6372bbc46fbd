using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary>A suite and its results.</summary>
/// <param name="Suite">The suite with its options.</param>
/// <param name="Result">Its numbers.</param>
public sealed record MeasuredSuite(Suite Suite, SuiteResult Result)
{
    /// <summary>How many test images the test set was limited to. Default null: all were used.</summary>
    public int? Limit { get; init; }

    /// <summary>The precision of the network's computations. Default <see cref="Precision.Float32"/>.</summary>
    public Precision Precision { get; init; }

    /// <summary>The options that were not the suite's defaults, as text, e.g. <c>layer layer3</c>. Default empty: none.</summary>
    public string Choices { get; init; } = "";
}

/// <summary>What a suite measured.</summary>
public sealed class SuiteResult
{
    private readonly Dictionary<string, Metric> metrics = [];
    private readonly Dictionary<string, IReadOnlyList<double>> perImage = [];
    private readonly Dictionary<string, double[][]> tables = [];
    private readonly List<string> notes = [];

    /// <summary>The numbers, by name in snake_case.</summary>
    public IReadOnlyDictionary<string, Metric> Metrics => metrics;

    /// <summary>
    /// For metrics that are the mean of one value per image, those values in the order of the test set, so that two networks can be
    /// compared image by image.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<double>> PerImage => perImage;

    /// <summary>Curves and matrices as rows of numbers, by name.</summary>
    public IReadOnlyDictionary<string, double[][]> Tables => tables;

    /// <summary>Notes, for example on why values are missing; one sentence each.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>Adds a note, for example on why values are missing.</summary>
    /// <param name="sentence">One sentence for the reader of the numbers.</param>
    public void AddNote(string sentence) => notes.Add(sentence);

    /// <summary>Adds a metric.</summary>
    /// <param name="name">Its name in snake_case.</param>
    /// <param name="value">Its value; shares are between 0 and 1. NaN if there is none.</param>
    /// <param name="interval">Its 95 % interval over the test images; null if it is not known.</param>
    /// <param name="n">Number of images that it was measured on.</param>
    /// <exception cref="ArgumentException">A metric of that name exists already.</exception>
    public void Add(string name, double value, Interval? interval, long n) => metrics.Add(name, new Metric(value, interval, n));

    /// <summary>
    /// Adds a metric that is the mean of one value per image, with its bootstrap interval. Metrics with the same number of images use the
    /// same resamples. Without values the metric is NaN.
    /// </summary>
    /// <param name="name">Its name in snake_case.</param>
    /// <param name="values">One value per image in the order of the test set.</param>
    /// <param name="seeds">Randomness of the interval, from the <see cref="Subject"/>.</param>
    /// <exception cref="ArgumentException">A metric of that name exists already.</exception>
    public void AddMean(string name, IReadOnlyList<double> values, SeedStream seeds)
    {
        if (values.Count == 0)
            Add(name, double.NaN, null, 0);
        else
            Add(name, values.Average(), Bootstrap.OfMean(values, seeds.Open("bootstrap")), values.Count);
        perImage.Add(name, values);
    }

    /// <summary>Adds a table for a chart.</summary>
    /// <param name="name">Its name in snake_case.</param>
    /// <param name="rows">Its rows; NaN if there is no number.</param>
    /// <exception cref="ArgumentException">A table of that name exists already.</exception>
    public void AddTable(string name, IEnumerable<double[]> rows) => tables.Add(name, [.. rows]);

    internal static SuiteResult Of(
        IEnumerable<KeyValuePair<string, Metric>> metrics,
        IEnumerable<KeyValuePair<string, double[]>> perImage,
        IEnumerable<KeyValuePair<string, double[][]>> tables,
        IEnumerable<string> notes)
    {
        var result = new SuiteResult();
        foreach (var (name, metric) in metrics)
            result.metrics.Add(name, metric);
        foreach (var (name, values) in perImage)
            result.perImage.Add(name, values);
        foreach (var (name, rows) in tables)
            result.tables.Add(name, rows);
        result.notes.AddRange(notes);
        return result;
    }
}
