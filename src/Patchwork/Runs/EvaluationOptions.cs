using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Recipes;

namespace Patchwork.Runs;

/// <summary>Options for the evaluation of a run.</summary>
public sealed record EvaluationOptions
{
    /// <summary>
    /// The suites with their options, in the order in which they run: some of the catalogue's, or your own. At least one, each with its own
    /// <see cref="Suite.Id"/>. Default: all of <see cref="Evaluation.Suites.All"/>.
    /// </summary>
    /// <exception cref="InputException">There is no suite, or two have the same id.</exception>
    public IReadOnlyList<Suite> Suites
    {
        get;
        init => field = value.Count > 0 && value.DistinctBy(suite => suite.Id).Count() == value.Count ? value
            : throw new InputException("An evaluation needs at least one suite, each with its own id. "
                + $"Received: {(value.Count == 0 ? "none" : string.Join(", ", value.Select(suite => suite.Id)))}.");
    } = Evaluation.Suites.All;

    /// <summary>
    /// True, the default, skips a suite that cannot run on the run's test set or lacks a required option; false rejects the evaluation in
    /// that case.
    /// </summary>
    public bool SkipUnmeasurable { get; init; } = true;

    /// <summary>
    /// Number of test images to use, with every class in proportion; null, the default, uses all. It is written into every result. Range:
    /// at least 1.
    /// </summary>
    /// <exception cref="InputException">The value is out of range.</exception>
    public int? Limit
    {
        get;
        init => field = value is null or >= 1 ? value : throw new InputException($"`Limit` must be at least 1. Received: {value}.");
    }

    /// <summary>
    /// Precision of the network; it is written into every result that is not in float32. Range: <see cref="Precision.Float32"/> or
    /// <see cref="Precision.BFloat16"/>, which needs <see cref="Autocast.IsSupported"/>. Default <see cref="Precision.Float32"/>, whatever
    /// the run was trained in.
    /// </summary>
    /// <exception cref="InputException">The value is <see cref="Precision.Auto"/>.</exception>
    public Precision Precision
    {
        get;
        init => field = value != Precision.Auto ? value
            : throw new InputException("`Precision` of an evaluation must be float32 or bfloat16. Received: auto.");
    }

    /// <summary>Number of torch threads; null, the default: as many as the run was trained with. Range: at least 1.</summary>
    /// <exception cref="InputException">The value is out of range.</exception>
    public int? Threads
    {
        get;
        init => field = value is null or >= 1 ? value : throw new InputException($"`Threads` must be at least 1. Received: {value}.");
    }

    /// <summary>Rejects an evaluation that is not possible, before anything is trained for it.</summary>
    /// <param name="recipe">The recipe of the runs that are evaluated later.</param>
    /// <exception cref="InputException">A suite cannot run on the test set, or a file or data set cannot be opened.</exception>
    public void Check(Recipe recipe)
    {
        var all = recipe.OpenData().Test;
        var test = Limit is { } count ? StratifiedSplit.Some(all, count) : all;
        foreach (var suite in Of(test))
            suite.Check(test);
    }

    /// <summary>The suites that run on a test set.</summary>
    /// <exception cref="InputException">A suite that must not be skipped cannot run, or all suites are skipped.</exception>
    internal IReadOnlyList<Suite> Of(Dataset test)
    {
        Suite[] measurable = [.. Suites.Where(suite => suite.Reason(test) is null)];
        var refused = SkipUnmeasurable && measurable.Length > 0 ? null : Suites.FirstOrDefault(suite => !measurable.Contains(suite));
        return refused is null ? measurable : throw new InputException($"The suite {refused.Id} {refused.Reason(test)}.");
    }
}
