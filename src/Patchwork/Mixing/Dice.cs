using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>Throws a mixer's dice in its scope: once for the batch, for every pair or for every image, and who is whose partner.</summary>
internal static class Dice
{
    /// <summary>
    /// Partners, one a row, and what was drawn for each image; null where <see cref="BetaMixer.Probability"/> leaves an image as it is.
    /// </summary>
    /// <param name="mixer">The method.</param>
    /// <param name="context">The batch.</param>
    /// <param name="alphaOf">α, once a batch.</param>
    /// <param name="draw">A draw with that α.</param>
    public static (int[] Partners, T?[] Drawn) Throw<T>(BetaMixer mixer, MixContext context, Func<Draws, double> alphaOf, Func<double,
        T> draw) where T : class
    {
        var draws = context.Draws;
        var drawn = new T?[context.Count];
        if (mixer.Scope == Scope.Batch)
        {
            if (!draws.Bernoulli(mixer.Probability))
                return ([.. Enumerable.Range(0, context.Count)], drawn);
            Array.Fill(drawn, draw(alphaOf(draws)));
            return (Pairing.Draw(mixer.Partners, mixer.Scope, context.Count, draws), drawn);
        }
        var alpha = alphaOf(draws);
        var partners = Pairing.Draw(mixer.Partners, mixer.Scope, context.Count, draws);
        for (var i = 0; i < drawn.Length; i++)
        {
            // The two of a pair share what the first of them drew.
            if (mixer.Scope == Scope.Pair && partners[i] < i)
                drawn[i] = drawn[partners[i]];
            else
                drawn[i] = draws.Bernoulli(mixer.Probability) ? draw(alpha) : null;
        }
        return (partners, drawn);
    }

    /// <summary>The plan of an image that stays as it is.</summary>
    public static ImagePlan Unmixed(int row) => new(row, BoxRegion.Empty, 1, 1);
}
