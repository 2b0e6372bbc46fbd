using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>
/// Makes the random draws of a mixer according to its scope (once per batch, per pair or per image), including the partners.
/// </summary>
internal static class Dice
{
    /// <summary>
    /// Draws the partners, one per row, and a value for each image; the value is null when the image stays unmixed because of
    /// <see cref="BetaMixer.Probability"/>.
    /// </summary>
    /// <param name="mixer">The method.</param>
    /// <param name="context">The batch.</param>
    /// <param name="alphaOf">Returns α; called once per batch.</param>
    /// <param name="draw">Draws one value with that α.</param>
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
            // The second image of a pair uses the draw of the first.
            if (mixer.Scope == Scope.Pair && partners[i] < i)
                drawn[i] = drawn[partners[i]];
            else
                drawn[i] = draws.Bernoulli(mixer.Probability) ? draw(alpha) : null;
        }
        return (partners, drawn);
    }

    /// <summary>The plan of an image that is not mixed.</summary>
    public static ImagePlan Unmixed(int row) => new(row, BoxRegion.Empty, 1, 1);
}
