using System.Text.Json.Nodes;

namespace Patchwork.Evaluation;

/// <summary>The catalogue of suites, one line each.</summary>
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

    /// <summary>Suites by their names, in the order of the catalogue.</summary>
    /// <param name="names">Names in any case separated by commas, or <c>all</c>.</param>
    /// <exception cref="InputException">No suite has one of the names; the nearest one is offered.</exception>
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

    // The first version stored these in every result, null where they belong to another suite. Later options are stored by their suite
    // alone, so that a new suite does not outdate the results of the others.
    private static readonly string[] AlwaysStored = ["layer", "transfer", "corruptions", "out_sets"];

    /// <summary>A suite's fingerprint, limit and precision as result files hold them; of float32 where they do not say.</summary>
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

    /// <summary>Which stored options are not the defaults of the catalogue's suite, as text; empty for a suite of the user's own.</summary>
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
