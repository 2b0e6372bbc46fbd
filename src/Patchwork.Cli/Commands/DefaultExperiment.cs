using Patchwork.Recipes;

namespace Patchwork.Cli.Commands;

/// <summary>What verbs show and compare where nothing is named.</summary>
internal static class DefaultExperiment
{
    private static readonly Lazy<Recipe> Read = new(() =>
    {
        using var file = new StreamReader(typeof(DefaultExperiment).Assembly.GetManifestResourceStream("default.json")!);
        return Recipe.FromJson(file.ReadToEnd(), "recipes/default.json");
    });

    /// <summary>
    /// The recipe of <c>compare</c> on the embedded photographs: <c>recipes/default.json</c>, which this program carries.
    /// </summary>
    public static Recipe Recipe => Read.Value;

    /// <summary>The method of <c>preview</c>, <c>plan</c> and <c>mix</c>.</summary>
    public static string Method => "cutmix";

    /// <summary>The methods of <c>compare</c>.</summary>
    public static string Methods => "baseline,cutout,mixup,cutmix";

    /// <summary>What <see cref="Recipe"/> is evaluated by, beyond its test error.</summary>
    public static string Suites => "calibration,occlusion";

    /// <summary>Test images that <see cref="Suites"/> measure.</summary>
    public static int Limit => 300;
}
