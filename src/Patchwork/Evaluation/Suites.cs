using System.Text.Json.Nodes;

namespace Patchwork.Evaluation;

/// <summary>The catalogue of suites.</summary>
public static class Suites
{
    /// <summary>All suites with their default options, in the order in which they run.</summary>
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

    /// <summary>Finds suites by name and returns them in the order of the catalogue.</summary>
    /// <param name="names">Comma-separated names in any case, or <c>all</c>.</param>
    /// <exception cref="InputException">One of the names is unknown; the message suggests the nearest one.</exception>
    public static IReadOnlyList<Suite> Parse(string names)
    {
        names = names.ToLowerInvariant();
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

    // The first version stored these keys in every result, with null for those of other suites. Later options are stored only by their own
    // suite, so that a new suite does not invalidate the results of the others.
    private static readonly string[] AlwaysStored = ["layer", "transfer", "corruptions", "out_sets"];

    /// <summary>
    /// Returns a suite's fingerprint, limit and precision as stored in result files; a file without a precision means float32.
    /// </summary>
    internal static JsonObject Stored(Suite suite, int? limit, Precision precision = Precision.Float32)
    {
        var stored = new JsonObject { ["limit"] = limit };
        if (precision != Precision.Float32)
            stored["precision"] = precision.ToString();
        foreach (var key in AlwaysStored)
            stored[key] = null;
        foreach (var (key, value) in suite.Fingerprint)
            stored[key] = value?.DeepClone();
        return stored;
    }

    /// <summary>
    /// Returns the stored options that differ from the defaults of the catalogue's suite, as text; empty for a user-defined suite.
    /// </summary>
    internal static string Choices(Suite suite, JsonObject stored)
    {
        if (All.FirstOrDefault(one => one.Id == suite.Id) is not { } known)
            return "";
        var usual = Stored(known, null);
        return string.Join(", ", stored.Where(option => option.Key is not ("limit" or "precision") && option.Value is not null
            && !JsonNode.DeepEquals(option.Value, usual[option.Key])).Select(option => $"{option.Key} {Text(option.Value!)}"));

        static string Text(JsonNode value) => value is JsonArray values ? string.Join(" ", values) : value.ToString();
    }
}
