using System.Text;
using System.Text.Json.Nodes;
using Patchwork.Data;
using Patchwork.Distributed;
using Patchwork.Evaluation;

namespace Patchwork.Runs;

/// <summary>
/// Distributes suites over the ranks; each suite is measured as in a single process: every image once, the same numbers for any number of
/// ranks. Rank 0 sends the files of its run that measuring needs and receives the files of the suites.
/// </summary>
internal static class SharedSuites
{
    private static readonly string[] Files =
        ["recipe.json", "data.json", "checkpoints/model.json", "checkpoints/last.safetensors", "checkpoints/best.safetensors"];

    /// <summary>On rank 0: assigns the suites to the ranks in turn.</summary>
    /// <remarks>Suites of the user's own, whose options have no names, stay on rank 0.</remarks>
    public static IReadOnlyList<(Suite Suite, int Rank)> Dealt(IEnumerable<Suite> suites, int ranks)
    {
        var next = 0;
        return [.. suites.Select(suite => (suite, ranks > 1 && IsKnown(suite) ? next++ % ranks : 0))];
    }

    /// <summary>On rank 0: tells the others what to measure.</summary>
    public static void Send(Ranks ranks, RunFolder run, EvaluationOptions options, IEnumerable<(Suite Suite, int Rank)> dealt)
    {
        var order = new JsonObject
        {
            ["limit"] = options.Limit,
            ["precision"] = options.Precision.ToString(),
            ["threads"] = options.Threads,
            ["suites"] = new JsonArray([.. dealt.Where(one => one.Rank > 0).Select(one => new JsonObject
            {
                ["id"] = one.Suite.Id,
                ["rank"] = one.Rank,
                ["options"] = Texts(one.Suite),
            })]),
        };
        ranks.Broadcast(Encoding.UTF8.GetBytes(order.ToJsonString()));
        foreach (var file in Files.Select(name => Path.Combine(run.Path, name)))
            ranks.Broadcast(File.Exists(file) ? File.ReadAllBytes(file) : []);
    }

    /// <summary>On the other ranks: measures their suites and returns the results.</summary>
    public static void Follow(Ranks ranks, CancellationToken cancellation)
    {
        var places = RankPlaces.Of(ranks);
        var order = JsonNode.Parse(ranks.Broadcast(null))!;
        var folder = Directory.CreateTempSubdirectory("patchwork-suites-").FullName;
        try
        {
            foreach (var name in Files)
            {
                var path = Path.Combine(folder, name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                if (ranks.Broadcast(null) is { Length: > 0 } bytes)
                    File.WriteAllBytes(path, bytes);
            }
            var run = RunFolder.Open(folder);
            Suite[] own = [.. order["suites"]!.AsArray().Where(one => (int)one!["rank"]! == ranks.Rank).Select(one => Named(one!))];
            var options = new EvaluationOptions
            {
                Suites = own.Length > 0 ? own : Suites.All,
                Limit = (int?)order["limit"],
                Precision = Enum.Parse<Precision>((string)order["precision"]!),
                Threads = Math.Min((int?)order["threads"] ?? Math.Max(1, run.Recipe.Threads), places.MostThreads),
            };
            var data = RunData.Open(run);
            data.RequireSameOn(ranks);
            if (own.Length > 0)
                RunEvaluation.Measure(run, new EvaluationFiles(run, data), options, own, (_, _) => { }, _ => { }, _ => { }, cancellation);
            Collect(ranks, run, own);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>On every rank: sends the files of its suites, and receives those of all ranks.</summary>
    public static IReadOnlyDictionary<string, string> Collect(Ranks ranks, RunFolder run, IEnumerable<Suite> own)
    {
        var files = new JsonObject(own.Select(suite => KeyValuePair.Create(suite.Id,
            (JsonNode?)File.ReadAllText(EvaluationFiles.PathOf(run, suite)))));
        return ranks.Unhurried(() => ranks.Gather(files.ToJsonString())).SelectMany(all => JsonNode.Parse(all)!.AsObject())
            .ToDictionary(one => one.Key, one => (string)one.Value!);
    }

    // Options are sent as text, as on a command line, and only if the text gives the same suite again.
    private static bool IsKnown(Suite suite)
    {
        try
        {
            var sent = new JsonObject { ["id"] = suite.Id, ["options"] = Texts(suite) };
            return Suites.All.Any(one => one.Id == suite.Id) && JsonNode.DeepEquals(Named(sent).Fingerprint, suite.Fingerprint);
        }
        catch (InputException)
        {
            return false;
        }
    }

    private static JsonObject Texts(Suite suite)
    {
        var texts = new JsonObject();
        foreach (var option in suite.Options)
        {
            if (option.Value(suite) is { } value)
                texts[option.Name] = value is JsonArray all ? string.Join(',', all.Select(one => one!.ToString())) : value.ToString();
        }
        return texts;
    }

    private static Suite Named(JsonNode sent)
    {
        var known = Suites.All.Single(suite => suite.Id == (string)sent["id"]!);
        return known.Options.Aggregate(known, (suite, option) =>
            (string?)sent["options"]![option.Name] is { } text ? option.Set(suite, text) : suite);
    }
}
