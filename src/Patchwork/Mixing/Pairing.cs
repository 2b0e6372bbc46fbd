using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>Draws who is whose partner in a batch.</summary>
internal static class Pairing
{
    public static int[] Draw(Partners partners, int count, Draws draws)
    {
        var order = draws.Permutation(count);
        if (partners == Partners.Permutation)
            return order;
        // Each image with the next one in a random order: one cycle through the whole batch, so nobody is paired with himself.
        var next = new int[count];
        for (var i = 0; i < count; i++)
            next[order[i]] = order[(i + 1) % count];
        return next;
    }
}
