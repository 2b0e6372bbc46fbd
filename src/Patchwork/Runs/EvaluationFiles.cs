using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Internals;

namespace Patchwork.Runs;

/// <summary>
/// The evaluation in a run folder: <c>evaluation.json</c>, <c>{suite: {metric: {value, ci95, n}}}</c>, and <c>evaluation/SUITE.json</c>
/// with the metrics, the fingerprint, the curves and the values of each image. Every file is written atomically, suite by suite, so that an
/// interrupted evaluation can be resumed. A result for other weights than the run's, or for other images than the current ones, is ignored.
/// </summary>
public sealed class EvaluationFiles
{
    private readonly RunFolder run;
    private readonly string folder;
    private readonly Lazy<JsonObject> weights;
    private readonly Lazy<RunData> data;
    private readonly Dictionary<int, Dataset> limited = [];      // test sets by their limit; 0 is the whole set
    private readonly Dictionary<(Suite Suite, int? Limit), JsonObject> dependencies = [];

    /// <summary>Opens the evaluation of a run. Its data is opened when a stored result is requested.</summary>
    public EvaluationFiles(RunFolder run) : this(run, new Lazy<RunData>(() => RunData.Open(run))) { }

    internal EvaluationFiles(RunFolder run, RunData data) : this(run, new Lazy<RunData>(data)) { }

    internal EvaluationFiles(RunFolder run, Lazy<RunData> data)
    {
        (this.run, this.data) = (run, data);
        folder = Path.Combine(run.Path, "evaluation");
        weights = new(run.Checkpoints.WeightsFingerprint);
    }

    /// <summary>The run's data.</summary>
    internal RunData Data => data.Value;

    /// <summary>The file of all metrics.</summary>
    public string Summary => Path.Combine(run.Path, "evaluation.json");

    /// <summary>Reads what a suite measured with these options; null if it has not been measured.</summary>
    /// <param name="suite">The suite.</param>
    /// <param name="options">The number of test images and the precision.</param>
    /// <exception cref="InputException">The data that a stored result was measured on cannot be opened.</exception>
    public SuiteResult? Read(Suite suite, EvaluationOptions options) => Undamaged(() => Stored(FileOf(suite)) is { } stored
        && JsonNode.DeepEquals(stored["options"], Suites.Stored(suite, options.Limit, options.Precision))
        && (stored["data"] is not { } measured || JsonNode.DeepEquals(measured, DataOf(suite, options.Limit))) ? Read(stored) : null);

    /// <summary>Reads what a suite measured the last time, whatever its options were; null if it has not been measured.</summary>
    internal MeasuredSuite? ReadLast(Suite suite) => Undamaged(() =>
    {
        if (Stored(FileOf(suite)) is not { } stored)
            return null;
        var options = stored.Required("options").AsObject();
        var one = new MeasuredSuite(suite, Read(stored))
        {
            Limit = (int?)options["limit"],
            Precision = Enum.Parse<Precision>((string?)options["precision"] ?? nameof(Precision.Float32)),
            Choices = Suites.Choices(suite, options),
        };
        // Stored with other options than the suite has now: in effect the result of another suite.
        var known = Suites.Stored(suite, one.Limit, one.Precision).Select(option => option.Key);
        return known.ToHashSet().SetEquals(options.Select(option => option.Key)) && IsOfRunsImages(stored, suite, one.Limit) ? one : null;
    });

    // Does not check the other sets that its options name, which may have been different then.
    private bool IsOfRunsImages(JsonObject stored, Suite suite, int? limit) => stored["data"] is not JsonObject measured
        || RunsImages(suite, limit).All(one => JsonNode.DeepEquals(measured[one.Key], one.Value));

    /// <summary>The digests of all images that a suite's numbers depend on; the sets that its options name are opened once.</summary>
    /// <exception cref="InputException">See <see cref="Suite.Check"/>.</exception>
    internal JsonObject DataOf(Suite suite, int? limit)
    {
        if (!dependencies.TryGetValue((suite, limit), out var all))
        {
            all = RunsImages(suite, limit);
            foreach (var (name, digest) in suite.Check(Test(limit)))
                all[name] = digest;
            dependencies.Add((suite, limit), all);
        }
        return all;
    }

    private JsonObject RunsImages(Suite suite, int? limit)
    {
        var images = new JsonObject { ["test"] = DataDigest.Of(Test(limit)) };
        if (suite.UsesValidation && !run.Recipe.ValidatesOnTest)
            images["validation"] = DataDigest.Of(data.Value.Validation);
        return images;
    }

    /// <summary>The test images that are measured.</summary>
    internal Dataset Test(int? limit)
    {
        if (!limited.TryGetValue(limit ?? 0, out var set))
            limited[limit ?? 0] = set = limit is { } count ? StratifiedSplit.Some(data.Value.Test, count) : data.Value.Test;
        return set;
    }

    /// <summary>Stores what a suite measured, and updates <see cref="Summary"/>.</summary>
    internal void Write(MeasuredSuite measured)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.WriteText(FileOf(measured.Suite), new JsonObject
        {
            ["options"] = Suites.Stored(measured.Suite, measured.Limit, measured.Precision),
            ["weights"] = weights.Value.DeepClone(),
            ["data"] = DataOf(measured.Suite, measured.Limit).DeepClone(),
            ["metrics"] = Metrics(measured),
            ["tables"] = Each(measured.Result.Tables, rows => new JsonArray([.. rows.Select(JsonNumbers.Of)])),
            ["per_image"] = Each(measured.Result.PerImage, JsonNumbers.Of),
            ["notes"] = new JsonArray([.. measured.Result.Notes.Select(note => JsonValue.Create(note))]),
        }.ToJsonString() + "\n");
        Summarize();
    }

    /// <summary>Stores what another rank measured, and updates <see cref="Summary"/>.</summary>
    internal void Adopt(Suite suite, string file)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.WriteText(FileOf(suite), file);
        Summarize();
    }

    private void Summarize()
    {
        var summary = new JsonObject();
        foreach (var file in SuiteFiles())
        {
            if (Stored(file)?["metrics"] is { } metrics)
                summary[Path.GetFileNameWithoutExtension(file)] = metrics.DeepClone();
        }
        AtomicFile.WriteText(Summary, summary.ToJsonString(IndentedJson.Options) + "\n");
    }

    // In the order of the catalogue, then the suites that are not in it, by name.
    private IEnumerable<string> SuiteFiles()
    {
        string[] known = [.. Suites.All.Select(FileOf)];
        return known.Where(File.Exists).Concat(Directory.GetFiles(folder, "*.json").Except(known).Order(StringComparer.Ordinal));
    }

    // Null if there is no usable file: none, a damaged one, or one for other weights. The first version did not store which weights it had
    // measured.
    private JsonObject? Stored(string file) => Undamaged(() =>
        File.Exists(file) && JsonNode.Parse(File.ReadAllText(file)) is JsonObject stored
        && (stored["weights"] is not { } measured || JsonNode.DeepEquals(measured, weights.Value)) ? stored : null);

    // A damaged file counts as missing: the suite is measured again and the file overwritten.
    private static T? Undamaged<T>(Func<T?> read) where T : class
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>
    /// Metrics in the form of <c>evaluation.json</c>; a limit, and a precision other than float32, are written with each number.
    /// </summary>
    public static JsonObject Metrics(MeasuredSuite measured) => Each(measured.Result.Metrics, metric =>
    {
        var one = new JsonObject
        {
            ["value"] = JsonNumbers.Of(metric.Value),
            ["ci95"] = metric.Ci95 is { } interval ? JsonNumbers.Of([interval.Low, interval.High]) : null,
            ["n"] = metric.N,
        };
        if (measured.Limit is { } count)
            one["limit"] = count;
        if (measured.Precision != Precision.Float32)
            one["precision"] = measured.Precision.ToString();
        return one;
    });

    /// <summary>The file in which a run stores what a suite measured.</summary>
    internal static string PathOf(RunFolder run, Suite suite) => Path.Combine(run.Path, "evaluation", $"{suite.Id}.json");

    private string FileOf(Suite suite) => PathOf(run, suite);

    private static SuiteResult Read(JsonObject stored)
    {
        return SuiteResult.Of(
            Parts("metrics", one =>
                new Metric(JsonNumbers.Read(one["value"]), Ends(one["ci95"] as JsonArray), one.Required("n").GetValue<long>())),
            Parts("per_image", Doubles),
            Parts("tables", rows => rows.AsArray().Select(row => Doubles(row.Required())).ToArray()),
            (stored["notes"] as JsonArray ?? []).Select(note => (string)note!));      // missing in older files

        static Interval? Ends(JsonArray? ends) =>
            ends is null ? null : new Interval(JsonNumbers.Read(ends[0]), JsonNumbers.Read(ends[1]));

        IEnumerable<KeyValuePair<string, T>> Parts<T>(string name, Func<JsonNode, T> read) =>
            stored.Required(name).AsObject().Select(pair => KeyValuePair.Create(pair.Key, read(pair.Value.Required())));

        static double[] Doubles(JsonNode values) => [.. values.AsArray().Select(JsonNumbers.Read)];
    }

    private static JsonObject Each<T>(IReadOnlyDictionary<string, T> values, Func<T, JsonNode> write) =>
        new(values.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)write(pair.Value))));
}
