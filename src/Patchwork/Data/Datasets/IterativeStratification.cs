using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>
/// Deals images with several labels into parts so that every label keeps its share (Sechidis, Tsoumakas and Vlahavas, "On the
/// Stratification of Multi-Label Data", ECML 2011, algorithm 1): the rarest remaining label is dealt first, each of its images to the part
/// that lacks that label most and, among equals, to the one that lacks images most.
/// </summary>
internal static class IterativeStratification
{
    /// <summary>The part of each image.</summary>
    /// <param name="labels">The labels of each image; an image may have none.</param>
    /// <param name="classes">K.</param>
    /// <param name="shares">Share of each part; they sum to 1.</param>
    public static int[] Deal(IReadOnlyList<IReadOnlyList<int>> labels, int classes, IReadOnlyList<double> shares)
    {
        var (count, parts) = (labels.Count, shares.Count);
        var part = Enumerable.Repeat(-1, count).ToArray();
        var wanted = shares.Select(share => share * count).ToArray();
        var wantedOf = shares.Select(share => Enumerable.Range(0, classes)
            .Select(k => share * labels.Count(one => one.Contains(k))).ToArray()).ToArray();
        var left = Enumerable.Range(0, classes).Select(k => labels.Count(one => one.Contains(k))).ToArray();
        void Give(int image, int to)
        {
            part[image] = to;
            wanted[to]--;
            foreach (var k in labels[image])
            {
                wantedOf[to][k]--;
                left[k]--;
            }
        }
        while (Enumerable.Range(0, classes).Where(k => left[k] > 0).ToArray() is { Length: > 0 } open)
        {
            var rarest = open.MinBy(k => left[k]);      // the first of equal ones
            int[] images = [.. Enumerable.Range(0, count).Where(i => part[i] < 0 && labels[i].Contains(rarest))];
            foreach (var place in new SeedStream(0).Open("split/several", 0, rarest).Permutation(images.Length))
                Give(images[place], Enumerable.Range(0, parts).MaxBy(p => (wantedOf[p][rarest], wanted[p])));
        }
        int[] rest = [.. Enumerable.Range(0, count).Where(i => part[i] < 0)];
        foreach (var place in new SeedStream(0).Open("split/none", 0).Permutation(rest.Length))
            Give(rest[place], Enumerable.Range(0, parts).MaxBy(p => wanted[p]));
        return part;
    }
}
