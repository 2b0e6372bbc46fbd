using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Patchwork.Distributed;

namespace Patchwork.Runs;

/// <summary>Where a rank runs.</summary>
/// <param name="Host">The machine's name.</param>
/// <param name="Cores">The cores that it may use, in Linux's notation (<c>0-3,8</c>); empty if the system does not say.</param>
/// <param name="Count">Number of cores that it may use, within the limits of a container.</param>
/// <param name="Machine">Number of cores of its machine.</param>
internal sealed record RankPlace(string Host, string Cores, int Count, int Machine);

/// <summary>The places of all ranks, by rank.</summary>
internal sealed class RankPlaces
{
    private const string CpuList = "Cpus_allowed_list:";

    private readonly IReadOnlyList<RankPlace> places;

    private RankPlaces(IReadOnlyList<RankPlace> places) => this.places = places;

    /// <summary>Gathers the places of all ranks.</summary>
    public static RankPlaces Of(Ranks ranks) =>
        new([.. ranks.Gather(JsonSerializer.Serialize(Here(), RankPlaceJson.Default.RankPlace))
            .Select(place => JsonSerializer.Deserialize(place, RankPlaceJson.Default.RankPlace)!)]);

    /// <summary>Creates the object from known places.</summary>
    internal static RankPlaces Of(params IReadOnlyList<RankPlace> places) => new(places);

    /// <summary>The machine name of each rank.</summary>
    public JsonArray Hosts => new([.. places.Select(place => JsonValue.Create(place.Host))]);

    /// <summary>
    /// Maximum number of torch threads per rank: a rank's cores, shared with the ranks that have the same cores; the minimum over all
    /// ranks, because bit-identical results require the same number.
    /// </summary>
    public int MostThreads => places.Min(place => Math.Max(1, place.Count
        / (place.Cores.Length == 0 ? places.Count(other => other.Host == place.Host)
            : places.Count(other => (other.Host, other.Cores) == (place.Host, place.Cores)))));

    /// <summary>
    /// A remark for the user about how a launcher has bound ranks to cores; null if no cores are lost. Open MPI binds each of two ranks to
    /// one core, however many the machine has.
    /// </summary>
    public string? Bound => places.GroupBy(place => place.Host)
        .Select(host => (Host: host.Key, Used: Used(host), host.First().Machine))
        .Where(host => host.Used > 0 && host.Used < host.Machine && places.Select(place => place.Cores).Distinct().Count() > 1)
        .Select(host => $"the launcher has bound the ranks on {host.Host} to {host.Used} of its {host.Machine} cores (its option for "
            + "binding to none makes all of them available)").FirstOrDefault();

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
