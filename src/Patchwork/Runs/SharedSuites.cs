using System.Text;
using System.Text.Json.Nodes;
using Patchwork.Data;
using Patchwork.Distributed;
using Patchwork.Evaluation;

namespace Patchwork.Runs;

/// <summary>
/// Suites that ranks measure for each other, each as one process does: every image once, the same numbers for any number of ranks. Rank 0
/// sends the files of its run that measuring needs and gets the suites' files back.
/// </summary>
internal static class SharedSuites
{
    private static readonly string[] Files =
        ["recipe.json", "data.json", "checkpoints/model.json", "checkpoints/last.safetensors", "checkpoints/best.safetensors"];

    /// <summary>On rank 0: which of the suites other ranks measure, dealt in turn; the rest is rank 0's.</summary>
    /// <remarks>Suites of a user's own, whose options have no names, are rank 0's too.</remarks>
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

    /// <summary>On the others: measures what is theirs and gives it back.</summary>
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

    /// <summary>On every rank: gives the files of its suites, and gets those of all.</summary>
    public static IReadOnlyDictionary<string, string> Collect(Ranks ranks, RunFolder run, IEnumerable<Suite> own)
    {
        var files = new JsonObject(own.Select(suite => KeyValuePair.Create(suite.Id,
            (JsonNode?)File.ReadAllText(EvaluationFiles.PathOf(run, suite)))));
        return ranks.Unhurried(() => ranks.Gather(files.ToJsonString())).SelectMany(all => JsonNode.Parse(all)!.AsObject())
            .ToDictionary(one => one.Key, one => (string)one.Value!);
    }

    // By text, as a command line has them, and only where the text gives the same suite again.
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
