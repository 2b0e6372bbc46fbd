using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Evaluation;
using Patchwork.Internals;

namespace Patchwork.Runs;

/// <summary>
/// The evaluation in a run folder: <c>evaluation.json</c>, <c>{suite: {metric: {value, ci95, n}}}</c>, and <c>evaluation/SUITE.json</c> with the curves and the values of
/// each image beside the metrics. Every file is written whole or not at all, suite by suite, so that an evaluation that is interrupted goes on.
/// </summary>
public sealed class EvaluationFiles(RunFolder run)
{
    private readonly string folder = Path.Combine(run.Path, "evaluation");

    /// <summary>The file of all metrics.</summary>
    public string Summary => Path.Combine(run.Path, "evaluation.json");

    /// <summary>What a suite measured with these options, or null when it has not.</summary>
    public SuiteResult? Read(Suite suite, EvaluationOptions options)
    {
        try
        {
            return File.Exists(FileOf(suite)) && JsonNode.Parse(File.ReadAllText(FileOf(suite))) is JsonObject stored && JsonNode.DeepEquals(stored["options"], Describe(suite, options))
                ? Read(stored) : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or NullReferenceException)
        {
            return null;      // damaged: measured again, and written over
        }
    }

    /// <summary>Stores what a suite measured, and brings <see cref="Summary"/> up to date.</summary>
    internal void Write(Suite suite, SuiteResult result, EvaluationOptions options)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.WriteText(FileOf(suite), new JsonObject
        {
            ["options"] = Describe(suite, options),
            ["metrics"] = Metrics(result, options.Limit),
            ["tables"] = Each(result.Tables, rows => new JsonArray([.. rows.Select(Numbers)])),
            ["per_image"] = Each(result.PerImage, Numbers),
        }.ToJsonString() + "\n");
        var summary = new JsonObject();
        foreach (var one in Suites.All.Where(one => File.Exists(FileOf(one))))
            summary[one.Id] = JsonNode.Parse(File.ReadAllText(FileOf(one)))!["metrics"]!.DeepClone();
        AtomicFile.WriteText(Summary, summary.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }

    /// <summary>Metrics as <c>evaluation.json</c> has them; a limit is written beside each number.</summary>
    public static JsonObject Metrics(SuiteResult result, int? limit) => Each(result.Metrics, metric =>
    {
        var one = new JsonObject
        {
            ["value"] = metric.Value,
            ["ci95"] = metric.Ci95 is { } interval ? new JsonArray(interval.Low, interval.High) : null,
            ["n"] = metric.N,
        };
        if (limit is { } count)
            one["limit"] = count;
        return one;
    });

    private string FileOf(Suite suite) => Path.Combine(folder, $"{suite.Id}.json");

    // What a stored result must have been measured with to be worth keeping.
    private static JsonObject Describe(Suite suite, EvaluationOptions options) => new()
    {
        ["limit"] = options.Limit,
        ["layer"] = suite is LocalizationSuite ? options.Layer : null,
        ["transfer"] = suite is TransferSuite ? $"{options.TransferTo} {options.TransferEpochs}" : null,
        ["corruptions"] = suite is CorruptionSuite && options.Corruptions is { } published ? Path.GetFullPath(published) : null,
        ["out_sets"] = suite is OutOfDistributionSuite ? new JsonArray([.. options.OutSets.Select(set => JsonValue.Create(set))]) : null,
    };

    private static SuiteResult Read(JsonObject stored)
    {
        return SuiteResult.Of(Parts("metrics", one => new Metric(one["value"]!.GetValue<double>(),
                one["ci95"] is JsonArray ends ? new Interval(ends[0]!.GetValue<double>(), ends[1]!.GetValue<double>()) : null, one["n"]!.GetValue<long>())),
            Parts("per_image", Doubles), Parts("tables", rows => rows.AsArray().Select(row => Doubles(row!)).ToArray()));

        IEnumerable<KeyValuePair<string, T>> Parts<T>(string name, Func<JsonNode, T> read) =>
            stored[name]!.AsObject().Select(pair => KeyValuePair.Create(pair.Key, read(pair.Value!)));

        static double[] Doubles(JsonNode values) => [.. values.AsArray().Select(value => value!.GetValue<double>())];
    }

    private static JsonArray Numbers(IEnumerable<double> values) => new([.. values.Select(value => JsonValue.Create(value))]);

    private static JsonObject Each<T>(IReadOnlyDictionary<string, T> values, Func<T, JsonNode> write) =>
        new(values.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)write(pair.Value))));
}
