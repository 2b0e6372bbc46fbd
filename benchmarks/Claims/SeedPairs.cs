using Patchwork.Evaluation;

namespace Patchwork.Claims;

/// <summary>What a method gains over another in a metric, seed by seed: only seeds that both have are compared.</summary>
/// <param name="Own">The method's mean over these seeds.</param>
/// <param name="Other">The other's mean over these seeds.</param>
/// <param name="Gains">By how much the method is better, for each seed.</param>
public sealed record SeedPairs(double Own, double Other, IReadOnlyList<double> Gains)
{
    /// <summary>The mean gain.</summary>
    public double Gain => Gains.Average();

    /// <summary>The 95 % interval of <see cref="Gain"/> over the seeds; null for one seed.</summary>
    public Interval? OverSeeds => Difference.TInterval(Gains);

    /// <summary>Pairs two methods; null if they have no seed in common.</summary>
    /// <param name="results">The results of both.</param>
    /// <param name="method">The method.</param>
    /// <param name="against">The other method.</param>
    /// <param name="metric">The metric, as in <see cref="ResultFile"/>.</param>
    /// <param name="lowerIsBetter">Whether a method gains by a lower value.</param>
    public static SeedPairs? Of(ResultFile results, string method, string against, string metric, bool lowerIsBetter = true)
    {
        var (own, other) = (results.Of(method, metric), results.Of(against, metric));
        int[] seeds = [.. own.Keys.Intersect(other.Keys).Order()];
        return seeds.Length == 0 ? null : new(seeds.Average(seed => own[seed]), seeds.Average(seed => other[seed]),
            [.. seeds.Select(seed => lowerIsBetter ? other[seed] - own[seed] : own[seed] - other[seed])]);
    }
}
