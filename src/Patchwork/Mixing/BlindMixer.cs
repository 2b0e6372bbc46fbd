using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>
/// A mixer that draws its regions without looking at the pixels: λ and region by its own law, for the batch, a pair or an image; partners by
/// <see cref="Mixer.Partners"/>.
/// </summary>
public abstract record BlindMixer : Mixer
{
    /// <inheritdoc/>
    public sealed override MixPlan Plan(MixContext context)
    {
        var draws = context.Draws;
        var images = Scope == Scope.Batch ? PlanBatch(context, draws) : PlanExamples(context, draws);
        return images is null
            ? MixPlan.Identity(Id, context.Count, context.Height, context.Width, draws.Id)
            : new MixPlan(Id, context.Height, context.Width, images, draws.Id);
    }

    /// <summary>Draws one region and its λ: for the batch, a pair or an image, as <see cref="Scope"/> says.</summary>
    private protected abstract Drawn Draw(MixContext context, double alpha, Draws draws);

    /// <summary>α for one batch.</summary>
    private protected virtual double AlphaOf(Draws draws) => Alpha;

    // A null answer: the batch is left as it is.
    private ImagePlan[]? PlanBatch(MixContext context, Draws draws)
    {
        if (!draws.Bernoulli(Probability))
            return null;
        var drawn = Draw(context, AlphaOf(draws), draws);
        var partners = Pairing.Draw(Partners, Scope, context.Count, draws);
        return [.. partners.Select(drawn.With)];
    }

    private ImagePlan[] PlanExamples(MixContext context, Draws draws)
    {
        var alpha = AlphaOf(draws);
        var partners = Pairing.Draw(Partners, Scope, context.Count, draws);
        var images = new ImagePlan[context.Count];
        for (var i = 0; i < images.Length; i++)
        {
            // The two of a pair share what the first of them drew.
            if (Scope == Scope.Pair && partners[i] < i)
                images[i] = images[partners[i]] is { Partner: var first } drawn && first == i ? drawn with { Partner = partners[i] } : Unmixed(i);
            else
                images[i] = draws.Bernoulli(Probability) ? Draw(context, alpha, draws).With(partners[i]) : Unmixed(i);
        }
        return images;
    }

    private static ImagePlan Unmixed(int i) => new(i, BoxRegion.Empty, 1, 1);

    /// <summary>A region with λ as drawn and λ of the label.</summary>
    private protected sealed record Drawn(Region Region, double Lambda, double Label)
    {
        public ImagePlan With(int partner) => new(partner, Region, Lambda, Label);
    }
}
