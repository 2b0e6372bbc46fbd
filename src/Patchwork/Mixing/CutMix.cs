using Patchwork.Plans;
using Patchwork.Randomness;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// CutMix (Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV 2019, arXiv 1905.04899):
/// λ ~ Beta(α, α), a box of area 1-λ is pasted from a partner, and the label is mixed by the pixels that were really kept:
/// <c>x = M⊙x_a + (1-M)⊙x_b</c>, <c>y = λ'·y_a + (1-λ')·y_b</c>, λ' = 1 - box/image.
/// </summary>
public sealed record CutMix : Mixer
{
    /// <summary>Where the box may lie. Default <see cref="Placement.Clipped"/>, the authors' code.</summary>
    public Placement Placement { get; init; } = Placement.Clipped;

    /// <summary>λ ← max(λ, 1-λ): the image keeps the larger part. Default false. Mean λ' with clipping at 32 px: 0.8336.</summary>
    public bool Fold { get; init; }

    /// <inheritdoc/>
    public override string Id => "cutmix";

    /// <summary>Other systems' CutMix, to the pixel. Derive variants by <c>with</c>.</summary>
    public static class Presets
    {
        /// <summary>
        /// The authors' code on CIFAR (clovaai/CutMix-PyTorch): α 1, half of the batches, one λ and one box a batch, clipped. Their ImageNet runs mix
        /// every batch: <c>Official with { Probability = 1 }</c>.
        /// </summary>
        public static CutMix Official { get; } = new() { Probability = 0.5 };

        /// <summary>The callback of the article that Patchwork set out to be (after early fastai): every batch, λ folded to max(λ, 1-λ), clipped.</summary>
        // Differs from the article: its box columns are used as rows, which is right for square images only; ours is right for all.
        public static CutMix Article { get; } = new() { Fold = true };
    }

    /// <inheritdoc/>
    public override MixPlan Plan(MixContext context)
    {
        var draws = context.Draws;
        var images = Scope == Scope.Batch ? PlanBatch(context, draws) : PlanExamples(context, draws);
        return images is null
            ? MixPlan.Identity(Id, context.Count, context.Height, context.Width, draws.Id)
            : new MixPlan(Id, context.Height, context.Width, images, draws.Id);
    }

    /// <inheritdoc/>
    public override void ApplyInPlace(Tensor images, MixPlan plan) => BoxPaste.InPlace(images, plan);

    private ImagePlan[]? PlanBatch(MixContext context, Draws draws)
    {
        if (!draws.Bernoulli(Probability))
            return null;
        var (box, drawn, measured) = DrawBox(context, draws);
        var partners = Pairing.Draw(Partners, context.Count, draws);
        return [.. partners.Select(partner => new ImagePlan(partner, box, drawn, measured))];
    }

    private ImagePlan[] PlanExamples(MixContext context, Draws draws)
    {
        var partners = Pairing.Draw(Partners, context.Count, draws);
        var images = new ImagePlan[context.Count];
        for (var i = 0; i < images.Length; i++)
        {
            if (!draws.Bernoulli(Probability))
            {
                images[i] = new ImagePlan(i, BoxRegion.Empty, 1, 1);
                continue;
            }
            var (box, drawn, measured) = DrawBox(context, draws);
            images[i] = new ImagePlan(partners[i], box, drawn, measured);
        }
        return images;
    }

    private (BoxRegion Region, double Drawn, double Measured) DrawBox(MixContext context, Draws draws)
    {
        var drawn = draws.Beta(Alpha, Alpha);
        if (Fold)
            drawn = Math.Max(drawn, 1 - drawn);
        var region = new BoxRegion(BoxPlacement.Draw(Placement, context.Height, context.Width, drawn, draws));
        return (region, drawn, region.KeptShare(context.Height, context.Width));      // λ' is measured, never assumed
    }
}
