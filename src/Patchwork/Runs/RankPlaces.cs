using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Patchwork.Distributed;

namespace Patchwork.Runs;

/// <summary>Where a rank runs.</summary>
/// <param name="Host">The machine's name.</param>
/// <param name="Cores">The cores that it may use, as Linux writes them (<c>0-3,8</c>); empty where the system does not say.</param>
/// <param name="Count">How many they are, as far as a container allows.</param>
/// <param name="Machine">How many cores its machine has.</param>
internal sealed record RankPlace(string Host, string Cores, int Count, int Machine);

/// <summary>The places of all ranks, by rank.</summary>
internal sealed class RankPlaces
{
    private const string CpuList = "Cpus_allowed_list:";

    private readonly IReadOnlyList<RankPlace> places;

    private RankPlaces(IReadOnlyList<RankPlace> places) => this.places = places;

    /// <summary>Asks every rank.</summary>
    public static RankPlaces Of(Ranks ranks) =>
        new([.. ranks.Gather(JsonSerializer.Serialize(Here(), RankPlaceJson.Default.RankPlace))
            .Select(place => JsonSerializer.Deserialize(place, RankPlaceJson.Default.RankPlace)!)]);

    /// <summary>The same of places that are known.</summary>
    internal static RankPlaces Of(params IReadOnlyList<RankPlace> places) => new(places);

    /// <summary>The machine's name of each rank.</summary>
    public JsonArray Hosts => new([.. places.Select(place => JsonValue.Create(place.Host))]);

    /// <summary>
    /// The most torch threads of a rank: its cores, shared with the ranks that have the same ones; of all ranks the fewest, because the
    /// bits depend on the number.
    /// </summary>
    public int MostThreads => places.Min(place => Math.Max(1, place.Count
        / (place.Cores.Length == 0 ? places.Count(other => other.Host == place.Host)
            : places.Count(other => (other.Host, other.Cores) == (place.Host, place.Cores)))));

    /// <summary>
    /// What a person should know of the way that a launcher has bound ranks to cores; null where nothing is lost. Open MPI binds each of
    /// two ranks to one core, whatever the machine has.
    /// </summary>
    public string? Bound => places.GroupBy(place => place.Host)
        .Select(host => (Host: host.Key, Used: Used(host), host.First().Machine))
        .Where(host => host.Used > 0 && host.Used < host.Machine && places.Select(place => place.Cores).Distinct().Count() > 1)
        .Select(host => $"the launcher has bound the ranks on {host.Host} to {host.Used} of its {host.Machine} cores "
            + "(its option to bind to none leaves them all)").FirstOrDefault();

    private static int Used(IEnumerable<RankPlace> host) => host.DistinctBy(place => place.Cores).Sum(place => place.Count);

    private static RankPlace Here()
    {
        const string status = "/proc/self/status", cpus = "/proc/cpuinfo";
        var cores = File.Exists(status) ? File.ReadLines(status).FirstOrDefault(line => line.StartsWith(CpuList, StringComparison.Ordinal))
            : null;
        var machine = File.Exists(cpus) ? File.ReadLines(cpus).Count(line => line.StartsWith("processor", StringComparison.Ordinal)) : 0;
        return new(Environment.MachineName, cores?[CpuList.Length..].Trim() ?? "", Environment.ProcessorCount,
            Math.Max(machine, Environment.ProcessorCount));
    }
}

[JsonSerializable(typeof(RankPlace))]
internal sealed partial class RankPlaceJson : JsonSerializerContext;
