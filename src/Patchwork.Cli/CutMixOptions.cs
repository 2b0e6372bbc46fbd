using Patchwork.Mixing;

namespace Patchwork.Cli;

/// <summary>The flags that CutMix alone has.</summary>
internal static class CutMixOptions
{
    public static void AddTo(RecipeOptions options)
    {
        options.Text("--preset", $"begin with another system's CutMix: {string.Join(", ", CutMix.Presets.All.Keys)}");
        options.Choice<Placement>("--placement", "where the box may lie");
        options.Choice<Rounding>("--rounding", "how the box's sides become pixels");
        options.Number("--margin", "share of the box kept away from the border");
        options.Number("--fixed-lambda", "λ that is not drawn");
        options.Choice<Centre>("--centre", "law of the box's centre");
        options.Choice<LabelWeight>("--label-weight", "weight of the image's own label");
    }
}
