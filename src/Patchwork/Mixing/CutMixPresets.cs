using Patchwork.Imaging;

namespace Patchwork.Mixing;

public sealed partial record CutMix
{
    /// <summary>
    /// CutMix as other implementations define it, with the same boxes and label weights to the pixel. Derive variants with <c>with</c>.
    /// </summary>
    public static class Presets
    {
        /// <summary>
        /// The authors' code on CIFAR (clovaai/CutMix-PyTorch): α = 1, half of the batches mixed, one λ and one box per batch, clipped.
        /// Their ImageNet runs mix every batch: <c>Official with { Probability = 1 }</c>.
        /// </summary>
        public static CutMix Official { get; } = new() { Probability = 0.5 };

        /// <summary>
        /// The callback of the article that Patchwork started from (after early fastai): every batch mixed, λ folded to max(λ, 1-λ),
        /// clipped.
        /// </summary>
        // Differs from the article: it uses the box's columns as rows, which is correct only for square images.
        public static CutMix Article { get; } = new() { Fold = true };

        /// <summary>
        /// timm's Mixup class with CutMix only, mode batch: row i is paired with B-1-i. For modes pair and elem use
        /// <c>with { Scope = … }</c>.
        /// </summary>
        public static CutMix Timm { get; } = new() { Partners = Partners.Reverse };

        /// <summary>timm with <c>cutmix_minmax</c>: sides between 20 and 80 % of the image's.</summary>
        public static CutMix TimmMinMax { get; } = Timm with { Placement = Placement.MinMax };

        /// <summary>torchvision.transforms.v2.CutMix: the partner is the previous row, and half the side is truncated.</summary>
        public static CutMix TorchVision { get; } = new() { Partners = Partners.Roll, Rounding = Rounding.TruncatedHalf };

        /// <summary>fastai's CutMix callback: sides are rounded to the nearest pixel, ties to even, in single precision.</summary>
        public static CutMix FastAi { get; } = new() { Rounding = Rounding.Nearest };

        /// <summary>Composer's CutMix with its default placement.</summary>
        public static CutMix Composer { get; } = new();

        /// <summary>Composer's CutMix with <c>uniform_sampling</c>.</summary>
        public static CutMix ComposerUniform { get; } = Composer with { Placement = Placement.EvenCoverage };

        /// <summary>
        /// The CutMix layer of Keras 3: one box per image, α drawn below 1 once per batch, real-valued corners, and λ of the label as
        /// drawn, which can differ from the pixels by up to a ring of pixels around the box.
        /// </summary>
        public static CutMix Keras { get; } = new()
        {
            Scope = Scope.Example,
            Placement = Placement.Inside,
            Rounding = Rounding.Corners,
            LabelWeight = LabelWeight.Drawn,
            DrawAlpha = true,
        };

        /// <summary>All presets by name.</summary>
        public static IReadOnlyDictionary<string, CutMix> All { get; } = new Dictionary<string, CutMix>
        {
            ["official"] = Official,
            ["article"] = Article,
            ["timm"] = Timm,
            ["timm-minmax"] = TimmMinMax,
            ["torchvision"] = TorchVision,
            ["fastai"] = FastAi,
            ["composer"] = Composer,
            ["composer-uniform"] = ComposerUniform,
            ["keras"] = Keras,
        };
    }
}
