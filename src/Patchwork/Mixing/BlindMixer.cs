using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>
/// Base class of mixers that draw their regions without looking at the pixels. A derived class draws λ and a region; this class draws once
/// per batch, per pair or per image, and finds partners by <see cref="BetaMixer.Partners"/>.
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

    /// <summary>
    /// Draws one region and its λ; called once per batch, per pair or per image, depending on <see cref="BetaMixer.Scope"/>.
    /// </summary>
    protected abstract DrawnRegion Draw(MixContext context, double alpha, Draws draws);

    /// <summary>Returns α for one batch. Default: <see cref="BetaMixer.Alpha"/>.</summary>
    protected virtual double AlphaOf(Draws draws) => Alpha;

    /// <summary>Adjusts the label weights of a plan to the contents of the two images. Default: the plan unchanged.</summary>
    protected virtual ImagePlan Labeled(ImagePlan plan, int row, MixContext context) => plan;
}
