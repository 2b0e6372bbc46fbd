using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>
/// An epoch in which every class is shown equally often: as many images as the set has, those of large classes in part, those of small ones
/// several times, each as often as the others of its class or once more. An epoch depends on its number alone.
/// </summary>
internal static class BalancedOrder
{
    /// <summary>Indices of the examples in the order of an epoch.</summary>
    /// <param name="set">The set.</param>
    /// <param name="seeds">Randomness.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    public static int[] Of(Dataset set, SeedStream seeds, long epoch)
    {
        int[][] members = [.. Enumerable.Range(0, set.Count).GroupBy(set.Label).OrderBy(one => one.Key).Select(one => one.ToArray())];
        // Which classes get one of the images that do not divide changes from epoch to epoch.
        var ranks = seeds.Open("balance", epoch).Permutation(members.Length);
        var order = new List<int>(set.Count);
        for (var k = 0; k < members.Length; k++)
        {
            var share = set.Count / members.Length + (ranks[k] < set.Count % members.Length ? 1 : 0);
            for (var round = 0; share > 0; round++)
            {
                var shuffled = seeds.Open("balance/class", epoch, k * (long)set.Count + round).Permutation(members[k].Length);
                order.AddRange(shuffled.Take(share).Select(place => members[k][place]));
                share -= Math.Min(share, members[k].Length);
            }
        }
        return [.. seeds.Open("shuffle", epoch).Permutation(order.Count).Select(place => order[place])];
    }
}
