using Patchwork.Recipes;

namespace Patchwork.Cli.Commands;

/// <summary>The defaults of verbs that are given no method, data set or recipe.</summary>
internal static class DefaultExperiment
{
    private static readonly Lazy<Recipe> Read = new(() =>
    {
        using var file = new StreamReader(typeof(DefaultExperiment).Assembly.GetManifestResourceStream("default.json")!);
        return Recipe.FromJson(file.ReadToEnd(), "recipes/default.json");
    });

    /// <summary>The recipe of <c>compare</c> on the embedded photographs: <c>recipes/default.json</c>, embedded in this program.</summary>
    public static Recipe Recipe => Read.Value;

    /// <summary>The method of <c>preview</c>, <c>plan</c> and <c>mix</c>.</summary>
    public static string Method => "cutmix";

    /// <summary>The methods of <c>compare</c>.</summary>
    public static string Methods => "baseline,cutout,mixup,cutmix";

    /// <summary>
    /// A fifth method, unless flags say how often batches are mixed: CutMix on half of the batches, as the paper uses it on CIFAR.
    /// </summary>
    public static string OtherDose => "cutmix:probability=0.5";

    /// <summary>The flags that may say how often batches are mixed.</summary>
    public static IReadOnlyList<string> DoseFlags => ["--probability", "--preset", "--strengths", "--set"];

    /// <summary>The suites that evaluate the runs of <see cref="Recipe"/>.</summary>
    public static string Suites => "calibration,occlusion";

    /// <summary>The number of test images in <see cref="Suites"/>.</summary>
    public static int Limit => 300;
}
