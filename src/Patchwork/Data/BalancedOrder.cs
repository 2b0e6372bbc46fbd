using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>
/// Orders an epoch so that every class is shown equally often. An epoch has as many images as the set: some of the images of large classes,
/// and the images of small classes several times, each as often as the others of its class or once more. The order depends only on the seed
/// and the number of the epoch.
/// </summary>
internal static class BalancedOrder
{
    /// <summary>Indices of the examples in the order of an epoch.</summary>
    /// <param name="set">The set.</param>
    /// <param name="seeds">The source of randomness.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    public static int[] Of(Dataset set, SeedStream seeds, long epoch)
    {
        int[][] members = [.. Enumerable.Range(0, set.Count).GroupBy(set.Label).OrderBy(one => one.Key).Select(one => one.ToArray())];
        // If the number of images is not divisible by that of the classes, the classes that get one of the remaining images change with
        // every epoch.
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
