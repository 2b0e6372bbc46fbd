using System.Globalization;
using Patchwork.Evaluation;
using Patchwork.Mixing;
using Patchwork.Reporting;
using Patchwork.Runs;

namespace Patchwork.Claims;

/// <summary>
/// How much the difference of two methods' test errors varies with the test images. <c>compare</c> states it for the baseline only; claims
/// also compare two methods.
/// </summary>
public static class PairedErrors
{
    private const string Metric = "top1_error";

    private static readonly ResultColumn[] Columns =
        [.. "suite metric method against difference images_low images_high seeds".Split(' ').Select(title => new ResultColumn(title))];

    /// <summary>The pairs that the claims of an experiment compare besides those with the baseline.</summary>
    public static IReadOnlyList<(string Method, string Against)> Of(Experiment experiment) =>
        [.. Paper.Claims.Where(claim => claim.Experiment == experiment.Name && claim.Against != Methods.Baseline)
            .Select(claim => (claim.Method, claim.Against)).Distinct()];

    /// <summary>
    /// A row for each pair whose test errors were measured on the same images with the same seeds: the mean difference, method minus
    /// against, and its 95 % interval over the images (paired bootstrap), as shares.
    /// </summary>
    /// <param name="runs">The finished runs.</param>
    /// <param name="pairs">The pairs.</param>
    public static ResultTable Table(IReadOnlyList<RunFolder> runs, IReadOnlyList<(string Method, string Against)> pairs)
    {
        var measured = pairs.SelectMany(pair => (string[])[pair.Method, pair.Against]).Distinct()
            .ToDictionary(method => method, method => Errors(runs, method));
        var rows = new List<string[]>();
        foreach (var (method, against) in pairs)
        {
            var (own, other) = (measured[method], measured[against]);
            if (own.Count > 0 && own.Keys.SequenceEqual(other.Keys)
                && Difference.Of(Metric, [.. own.Values], [.. other.Values]) is { OverImages: { } images } change)
                rows.Add(["clean", Metric, method, against, Number(change.Value), Number(images.Low), Number(images.High), $"{own.Count}"]);
        }
        return new ResultTable(Columns, rows);
    }

    private static SortedDictionary<ulong, SuiteResult> Errors(IReadOnlyList<RunFolder> runs, string method) =>
        new((from run in runs
             where run.Recipe.Method == method
             let result = new EvaluationFiles(run).Read(new CleanSuite(), new EvaluationOptions())
             where result is not null
             select (run.Recipe.Seed, result)).ToDictionary(pair => pair.Seed, pair => pair.result));

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
