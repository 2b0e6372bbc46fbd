using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>Draws the partners of the images of a batch.</summary>
internal static class Pairing
{
    /// <summary>Why <see cref="Scope.Pair"/> and <see cref="Partners.Roll"/> contradict each other.</summary>
    public const string RolledPairs =
        "Scope pair needs mutual partners. Received: partners roll. Use reverse or permutation.";

    /// <exception cref="ArgumentException">The scope is pairs, but the partners are not mutual.</exception>
    public static int[] Draw(Partners partners, Scope scope, int count, Draws draws) => (partners, scope) switch
    {
        (Partners.Reverse, _) => [.. Enumerable.Range(0, count).Select(i => count - 1 - i)],
        (Partners.Roll, not Scope.Pair) => [.. Enumerable.Range(0, count).Select(i => (i + count - 1) % count)],
        (Partners.Roll, _) => throw new ArgumentException(RolledPairs),
        (_, Scope.Pair) => Matching(draws.Permutation(count)),
        (Partners.Permutation, _) => draws.Permutation(count),
        _ => Cycle(draws.Permutation(count)),
    };

    // Each image with the next one in a random order: one cycle through the whole batch, so no image is paired with itself.
    private static int[] Cycle(int[] order)
    {
        var next = new int[order.Length];
        for (var i = 0; i < order.Length; i++)
            next[order[i]] = order[(i + 1) % order.Length];
        return next;
    }

    // Pairs of neighbours in a random order; with an odd number of images, the last one is its own partner.
    private static int[] Matching(int[] order)
    {
        var other = new int[order.Length];
        for (var i = 0; i < order.Length; i++)
            other[order[i]] = order[i % 2 == 1 ? i - 1 : Math.Min(i + 1, order.Length - 1)];
        return other;
    }
}
