using System.Reflection;
using Patchwork.Benchmarks;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Mixing;
using Xunit;

namespace Patchwork.Tests.Architecture;

/// <summary>
/// Methods, suites and data sets are named only in their own source and in their catalogue, so that the rest of the code works for new ones
/// too. Checked in the compiled code, for types and strings.
/// </summary>
public sealed class OnePlaceTests
{
    // The default experiment and CutMix's own recipe keys and flags have one file each, a speed measurement names what it measures, and a
    // suite names its curves as the paper does.
    private static readonly string[] Allowed =
    [
        "Patchwork.Recipes.CutMixKeys", "Patchwork.Recipes.Recipe", "Patchwork.Cli.CutMixOptions", "Patchwork.Cli.Commands.DefaultExperiment",
        "Patchwork.Benchmarks.SpeedBench", "Patchwork.Benchmarks.JpegBench", "Patchwork.Benchmarks.PhotographBench",
        "Patchwork.Benchmarks.EvaluationBench", "Patchwork.Evaluation.InBetweenSuite",
    ];

    private static readonly Type[] MethodTypes = [.. Methods.All.Select(method => method.Create().GetType())];

    private static readonly Type[] SuiteTypes = [.. Suites.All.Select(suite => suite.GetType())];

    private static IEnumerable<Type> Code => ((Type[])[typeof(Methods), typeof(Patchwork.Cli.CommonOptions), typeof(SpeedRatio)])
        .Select(type => type.Assembly).Distinct().SelectMany(assembly => assembly.GetTypes());

    [Fact]
    public void Only_its_own_source_and_the_catalogue_name_a_method() =>
        Nobody(Named(MethodTypes, typeof(Methods), [.. Methods.All.Select(method => method.Id)]));

    [Fact]
    public void Only_its_own_source_and_the_catalogue_name_a_suite() =>
        Nobody(Named(SuiteTypes, typeof(Suites), [.. Suites.All.Select(suite => suite.Id)]));

    [Fact]
    public void Only_the_catalogue_and_a_set_itself_name_a_data_set()
    {
        // If a word is both an id and a JSON key, such as "folder", the text does not show whether it is used as an id.
        var own = DatasetCatalogue.All.Where(set => !set.HoldsOwnPictures).Select(set => set.Id).ToHashSet();
        var outside = Code.Where(type => type.Namespace != "Patchwork.Data").ToArray();
        Nobody(Named([], typeof(DatasetCatalogue), own, outside));
    }

    private static void Nobody(IEnumerable<string> found) => Assert.True(!found.Any(), string.Join('\n', found));

    private static IEnumerable<string> Named(Type[] types, Type catalogue, HashSet<string> ids, IEnumerable<Type>? code = null)
    {
        // Internal types that a method uses count as parts of it, such as DropBlock's layer.
        var parts = types.SelectMany(type => CompiledCode.TypesUsedBy(type)).Where(type => !type.IsVisible).Select(Outermost).ToHashSet();
        foreach (var type in code ?? Code)
        {
            var outer = Outermost(type);
            if (outer == catalogue || types.Contains(outer) || parts.Contains(outer) || Allowed.Contains(outer.FullName))
                continue;
            foreach (var used in CompiledCode.TypesUsedBy(type).Select(Outermost).Where(types.Contains).Distinct())
                yield return $"{type} uses {used.Name}";
            foreach (var text in CompiledCode.TextsIn(type).Where(ids.Contains).Distinct())
                yield return $"{type} has the text \"{text}\"";
        }
    }

    private static Type Outermost(Type type)
    {
        while (type.DeclaringType is { } outer)
            type = outer;
        return type;
    }
}
