using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Evaluation;
using Patchwork.Internals;

namespace Patchwork.Runs;

/// <summary>
/// The evaluation in a run folder: <c>evaluation.json</c>, <c>{suite: {metric: {value, ci95, n}}}</c>, and <c>evaluation/SUITE.json</c>
/// with the fingerprint, the curves and the values of each image beside the metrics. Every file is written whole or not at all, suite by
/// suite, so that an evaluation that is interrupted can be resumed.
/// </summary>
/// <param name="run">The run.</param>
public sealed class EvaluationFiles(RunFolder run)
{
    private readonly string folder = Path.Combine(run.Path, "evaluation");

    /// <summary>The file of all metrics.</summary>
    public string Summary => Path.Combine(run.Path, "evaluation.json");

    /// <summary>What a suite with these options measured; null where it has not.</summary>
    /// <param name="suite">The suite.</param>
    /// <param name="options">How many test images are used, in what precision.</param>
    public SuiteResult? Read(Suite suite, EvaluationOptions options)
    {
        try
        {
            return File.Exists(FileOf(suite)) && JsonNode.Parse(File.ReadAllText(FileOf(suite))) is JsonObject stored
                && JsonNode.DeepEquals(stored["options"], Stored(suite, options)) ? Read(stored) : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or NullReferenceException)
        {
            return null;      // damaged: measured again, and written over
        }
    }

    /// <summary>Stores what a suite measured, and brings <see cref="Summary"/> up to date.</summary>
    internal void Write(MeasuredSuite measured, EvaluationOptions options)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.WriteText(FileOf(measured.Suite), new JsonObject
        {
            ["options"] = Stored(measured.Suite, options),
            ["metrics"] = Metrics(measured.Result, options),
            ["tables"] = Each(measured.Result.Tables, rows => new JsonArray([.. rows.Select(Numbers)])),
            ["per_image"] = Each(measured.Result.PerImage, Numbers),
        }.ToJsonString() + "\n");
        var summary = new JsonObject();
        foreach (var file in SuiteFiles())
            summary[Path.GetFileNameWithoutExtension(file)] = JsonNode.Parse(File.ReadAllText(file))!["metrics"]!.DeepClone();
        AtomicFile.WriteText(Summary, summary.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }

    // In the order of the catalogue, then what is not in it, by name.
    private IEnumerable<string> SuiteFiles()
    {
        string[] known = [.. Suites.All.Select(FileOf)];
        return known.Where(File.Exists).Concat(Directory.GetFiles(folder, "*.json").Except(known).Order(StringComparer.Ordinal));
    }

    private static JsonObject Stored(Suite suite, EvaluationOptions options) => Suites.Stored(suite, options.Limit, options.Precision);

    /// <summary>
    /// Metrics as <c>evaluation.json</c> has them; a limit, and a precision other than float32, are written beside each number.
    /// </summary>
    public static JsonObject Metrics(SuiteResult result, EvaluationOptions options) => Each(result.Metrics, metric =>
    {
        var one = new JsonObject
        {
            ["value"] = metric.Value,
            ["ci95"] = metric.Ci95 is { } interval ? new JsonArray(interval.Low, interval.High) : null,
            ["n"] = metric.N,
        };
        if (options.Limit is { } count)
            one["limit"] = count;
        if (options.Precision != Precision.Float32)
            one["precision"] = options.Precision.ToString();
        return one;
    });

    private string FileOf(Suite suite) => Path.Combine(folder, $"{suite.Id}.json");

    private static SuiteResult Read(JsonObject stored)
    {
        return SuiteResult.Of(
            Parts("metrics", one =>
                new Metric(one["value"]!.GetValue<double>(), Ends(one["ci95"] as JsonArray), one["n"]!.GetValue<long>())),
            Parts("per_image", Doubles),
            Parts("tables", rows => rows.AsArray().Select(row => Doubles(row!)).ToArray()));

        static Interval? Ends(JsonArray? ends) =>
            ends is null ? null : new Interval(ends[0]!.GetValue<double>(), ends[1]!.GetValue<double>());

        IEnumerable<KeyValuePair<string, T>> Parts<T>(string name, Func<JsonNode, T> read) =>
            stored[name]!.AsObject().Select(pair => KeyValuePair.Create(pair.Key, read(pair.Value!)));

        static double[] Doubles(JsonNode values) => [.. values.AsArray().Select(value => value!.GetValue<double>())];
    }

    private static JsonArray Numbers(IEnumerable<double> values) => new([.. values.Select(value => JsonValue.Create(value))]);

    private static JsonObject Each<T>(IReadOnlyDictionary<string, T> values, Func<T, JsonNode> write) =>
        new(values.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)write(pair.Value))));
}
