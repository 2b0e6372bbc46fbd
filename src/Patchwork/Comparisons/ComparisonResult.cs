using Patchwork.Recipes;
using Patchwork.Runs;

namespace Patchwork.Comparisons;

/// <summary>One finished run of a comparison.</summary>
/// <param name="Method">Method id.</param>
/// <param name="Seed">Seed.</param>
/// <param name="Folder">Run folder.</param>
/// <param name="Result">Its numbers.</param>
public sealed record ComparedRun(string Method, ulong Seed, string Folder, RunResult Result)
{
    /// <summary>The name of the run in messages, such as <c>cutmix seed 1</c>.</summary>
    public string Label => LabelOf(Method, Seed);

    /// <summary>The label of a run with a method and a seed.</summary>
    public static string LabelOf(string method, ulong seed) => $"{method} seed {seed}";
}

/// <summary>All runs of a comparison.</summary>
/// <param name="Recipe">The recipe that they share.</param>
/// <param name="Resolved">The recipe of each method, in order.</param>
/// <param name="Runs">The runs.</param>
public sealed record ComparisonResult(Recipe Recipe, IReadOnlyList<ResolvedRecipe> Resolved, IReadOnlyList<ComparedRun> Runs)
{
    /// <summary>The methods, in order.</summary>
    public IReadOnlyList<string> Methods { get; } = [.. Resolved.Select(one => one.Recipe.Method)];

    /// <summary>What the runs of a method differ in: <c>seeds</c>, or <c>folds</c> of a cross-validation.</summary>
    public string Repetitions => Recipe.Folds is null ? "seeds" : "folds";

    /// <summary>Number of runs that were trained at a time, and are evaluated at a time. Default 1.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>Creates the result of a single finished run.</summary>
    public static ComparisonResult Of(RunFolder run) =>
        new(run.Recipe, [run.Recipe.ResolveStored()], [new ComparedRun(run.Recipe.Method, run.Recipe.Seed, run.Path, run.ReadResult())]);

    /// <summary>The runs of a method, by seed.</summary>
    public IEnumerable<ComparedRun> Of(string method) => Runs.Where(run => run.Method == method);

    /// <summary>The recipe of a method.</summary>
    public ResolvedRecipe RecipeOf(string method) => Resolved.Single(one => one.Recipe.Method == method);

    /// <summary>The name of a method as in its paper.</summary>
    public string NameOf(string method) => RecipeOf(method).Name;
}
