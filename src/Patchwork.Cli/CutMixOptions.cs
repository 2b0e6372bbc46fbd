using Patchwork.Mixing;

namespace Patchwork.Cli;

/// <summary>The flags of CutMix only.</summary>
internal static class CutMixOptions
{
    public static void AddTo(RecipeOptions options)
    {
        options.Text("--preset NAME", $"CutMix as another library implements it: {string.Join(", ", CutMix.Presets.All.Keys)}");
        options.Choice<Placement>("--placement", "where the box may lie");
        options.Choice<Rounding>("--rounding", "how the sides of the box are rounded to pixels");
        options.Number("--margin X", "with clipped placement: minimum distance of the centre from the border, as a share of the side");
        options.Number("--fixed-lambda X", "use this λ instead of drawing one");
        options.Choice<Centre>("--centre", "distribution of the centre of the box");
        options.Choice<LabelWeight>("--label-weight", "how the weight of the image's own label is computed");
    }
}
