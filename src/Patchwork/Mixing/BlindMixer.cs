using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>
/// A mixer that draws its regions without looking at the pixels: λ and region by its own law, for the batch, a pair or an image; partners
/// by
/// <see cref="BetaMixer.Partners"/>.
/// </summary>
public abstract record BlindMixer : BetaMixer
{
    /// <inheritdoc/>
    public sealed override MixPlan Plan(MixContext context)
    {
        var (partners, drawn) = Dice.Throw(this, context, AlphaOf, alpha => Draw(context, alpha, context.Draws));
        var images = partners.Select((partner, i) => drawn[i] is { } one
            ? Labeled(new ImagePlan(partner, one.Region, one.Lambda, one.Label), i, context) : Dice.Unmixed(i));
        return new MixPlan(Id, context.Height, context.Width, [.. images], context.Draws.Id);
    }

    /// <summary>Draws one region and its λ: for the batch, a pair or an image, as <see cref="BetaMixer.Scope"/> says.</summary>
    protected abstract DrawnRegion Draw(MixContext context, double alpha, Draws draws);

    /// <summary>α for one batch.</summary>
    protected virtual double AlphaOf(Draws draws) => Alpha;

    /// <summary>The plan of an image with its labels weighed by what is in the two images. By default as drawn.</summary>
    protected virtual ImagePlan Labeled(ImagePlan plan, int row, MixContext context) => plan;
}
