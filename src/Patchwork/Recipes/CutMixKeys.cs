using Patchwork.Mixing;
using Patchwork.Plans;

namespace Patchwork.Recipes;

/// <content>The keys that only CutMix has.</content>
public sealed partial record Recipe
{
    /// <summary>
    /// CutMix: start from another system's CutMix (official, article, timm, …); other keys override it. Null: the method's defaults.
    /// </summary>
    public string? Preset { get; init => field = value is null ? null : Id(value); }

    /// <summary>CutMix: where the box may lie; null: clipped.</summary>
    public Placement? Placement { get; init; }

    /// <summary>CutMix: how sides are rounded to pixels; null: truncated.</summary>
    public Rounding? Rounding { get; init; }

    /// <summary>CutMix: share of the box that stays away from the border; null: 0. Range [0, 0.5].</summary>
    public double? Margin { get; init; }

    /// <summary>CutMix: a fixed λ; null: λ is drawn. Range [0, 1].</summary>
    public double? FixedLambda { get; init; }

    /// <summary>CutMix: distribution of the box's centre; null: uniform.</summary>
    public Centre? Centre { get; init; }

    /// <summary>CutMix: how the weight of the image's own label is determined; null: measured in pixels.</summary>
    public LabelWeight? LabelWeight { get; init; }
}

/// <summary>Applies the keys of CutMix.</summary>
internal static class CutMixKeys
{
    private static readonly MethodKey Preset =
        new("preset", recipe => recipe.Preset, recipe => recipe with { Preset = null }, method => method is CutMix);

    /// <summary>The keys, in the order of a recipe.</summary>
    public static IReadOnlyList<MethodKey> All { get; } =
    [
        Preset,
        MethodKey.Option<Placement>("placement", recipe => recipe.Placement, recipe => recipe with { Placement = null }),
        MethodKey.Option<Rounding>("rounding", recipe => recipe.Rounding, recipe => recipe with { Rounding = null }),
        MethodKey.Option<double>("margin", recipe => recipe.Margin, recipe => recipe with { Margin = null }),
        MethodKey.Option<double>("fixedLambda", recipe => recipe.FixedLambda, recipe => recipe with { FixedLambda = null }),
        MethodKey.Option<Centre>("centre", recipe => recipe.Centre, recipe => recipe with { Centre = null }),
        MethodKey.Option<LabelWeight>("labelWeight", recipe => recipe.LabelWeight, recipe => recipe with { LabelWeight = null }),
    ];

    /// <summary>The method that the other keys are applied to: the preset if a recipe names one.</summary>
    /// <exception cref="InputException">No preset has that name.</exception>
    public static IMethod Begin(Recipe recipe, IMethod method)
    {
        if (recipe.Preset is not { } name || !Preset.Acts(method))
            return method;
        return CutMix.Presets.All.TryGetValue(name, out var preset) ? preset
            : throw InputException.Unknown("preset", name, [.. CutMix.Presets.All.Keys]);
    }
}
