using System.Globalization;
using Patchwork.Evaluation;
using Patchwork.Mixing;

namespace Patchwork.Comparisons;

/// <summary>Describes the test errors of a comparison: the question, the answer, and one line about each method.</summary>
/// <param name="result">The runs.</param>
/// <param name="training">How the runs were trained.</param>
/// <param name="evaluations">What was measured beyond the test error; null for nothing.</param>
internal sealed class ComparedErrors(ComparisonResult result, ComparedTraining training, ComparedEvaluations? evaluations)
{
    private const int Few = 4;

    private bool HasBaseline => result.Methods.Contains(Methods.Baseline);

    private string[] Compared { get; } = [.. result.Methods.Where(method => method != Methods.Baseline)];

    /// <summary>The test error of a run after the last epoch, in percent.</summary>
    public static double Last(ComparedRun run) => 100 * run.Result.Last.Error;

    /// <summary>The test errors of a method over its seeds, in percent.</summary>
    public Statistic Of(string method) => Statistic.Of(result.Of(method).Select(Last));

    /// <summary>The question that the comparison answers.</summary>
    public string Question => (result.Methods.Count, HasBaseline && Compared.Length > 0) switch
    {
        (1, _) => $"{result.NameOf(result.Methods[0])} on {result.Recipe.Dataset}, {result.Recipe.Model}",
        (_, false) => $"{Joined(Compared.Select(result.NameOf), "and")} on {result.Recipe.Dataset}, {result.Recipe.Model}",
        (_, true) when Compared.Length > Few => $"Which methods make fewer errors than the baseline on {result.Recipe.Dataset}?",
        _ => $"{(Compared.Length > 1 ? "Do" : "Does")} {Joined(Compared.Select(result.NameOf), "or")} make fewer errors than the "
            + $"baseline on {result.Recipe.Dataset}?",
    };

    /// <summary>
    /// The answer in one sentence: the best method against the baseline, with the interval over the seeds, and the others.
    /// </summary>
    public string Answer
    {
        get
        {
            if (!HasBaseline || Compared.Length == 0)
            {
                return string.Join(" ", result.Methods.Select(method =>
                    FormattableString.Invariant($"{result.NameOf(method)}: test error {Of(method)} %{Mean(method)}.")));
            }
            var baseline = Of(Methods.Baseline).Mean;
            var ordered = Compared.OrderBy(method => Of(method).Mean).ToArray();
            var (best, error) = (ordered[0], Of(ordered[0]).Mean);
            var spread = OverSeeds(best) switch
            {
                null => "one seed, so the spread is unknown",
                { } change => string.Create(CultureInfo.InvariantCulture,
                    $"95 % interval of the gain over {result.Of(best).Count()} {result.Repetitions}: {-change.High:F2} to {-change.Low:F2}")
                    + (change.Contains(0) ? ", which includes 0, so this may be noise" : ""),
            };
            var name = result.NameOf(best);
            var (from, to) = (FormattableString.Invariant($"{baseline:F2}"), FormattableString.Invariant($"{error:F2}"));
            var answer = error >= baseline ? $"No: the best method, {name}, has a test error of {to} %, the baseline {from} %"
                : FormattableString.Invariant($"{name} lowers the test error from {from} to {to} %, by {baseline - error:F2} points");
            return $"{answer} ({spread}){Others(ordered[1..], baseline)}.";
        }
    }

    private string Mean(string method) => Difference.TInterval([.. result.Of(method).Select(Last)]) is not { } ends ? ""
        : string.Create(CultureInfo.InvariantCulture,
            $", 95 % interval of the mean over {result.Of(method).Count()} {result.Repetitions}: {ends.Low:F2} to {ends.High:F2}");

    // A few methods are listed with their errors; many are grouped by whether their error is lower than the baseline's.
    private string Others(string[] methods, double baseline)
    {
        if (methods.Length < Few)
            return methods.Length == 0 ? "" : $"; {Errors(methods)}";
        string Side(string title, bool lower)
        {
            string[] side = [.. methods.Where(method => Of(method).Mean < baseline == lower)];
            return side.Length > 0 ? $"; {title}: {Errors(side)}" : "";
        }
        return Side("also lower", lower: true) + Side("not lower", lower: false);
    }

    private string Errors(IEnumerable<string> methods) => Joined(methods.Select(method =>
        string.Create(CultureInfo.InvariantCulture, $"{result.NameOf(method)} {Of(method).Mean:F2} %")), "and");

    /// <summary>
    /// What each method changed against the baseline, whether that exceeds the spread of the seeds, and whether it had finished learning:
    /// one line per method.
    /// </summary>
    public IReadOnlyList<string> Lines()
    {
        if (!HasBaseline || result.Methods.Count < 2)
            return [$"{result.Runs.Count} {(result.Runs.Count == 1 ? "run" : "runs")} of {string.Join(", ", result.Methods)}; add the "
                + "baseline to see what a method changes."];
        var baseline = Quarters(Methods.Baseline);
        return [.. Compared.Select(method => Sentence(method) + StillLearning(Quarters(method), baseline))];
    }

    /// <summary>Test error of each method with a dot per seed, as a chart.</summary>
    public DotChart Chart() => new("Test error after the last epoch", "test error, %",
        [.. result.Methods.Select(method => new DotRow(result.NameOf(method), [.. result.Of(method).Select(Last)]))])
    {
        Reference = HasBaseline ? Of(Methods.Baseline).Mean : null,
    };

    private string Sentence(string method)
    {
        var (own, baseline) = (Of(method).Mean, Of(Methods.Baseline).Mean);
        var gain = baseline - own;
        var change = gain == 0 ? FormattableString.Invariant($"leaves the test error at {own:F2} %")
            : FormattableString.Invariant($"{(gain > 0 ? "lowers" : "raises")} the test error from {baseline:F2} to {own:F2} %");
        return $"{result.NameOf(method)} {change} ({Math.Abs(gain).ToString("F2", CultureInfo.InvariantCulture)} points"
            + $"{Intervals(method)}).";
    }

    // How much the difference varies with the seeds and, if the clean suite was measured, with the test images.
    private string Intervals(string method)
    {
        var (seeds, images) = (OverSeeds(method), evaluations?.TestErrorOverImages(method));
        string[] known =
        [
            .. seeds is { } overSeeds ? [$"over the {result.Repetitions} {Points(overSeeds, 1)}"] : Array.Empty<string>(),
            .. images is { } overImages
                ? [$"over {(evaluations?.Limit is { } limit ? $"{limit} of " : "")}the test images {Points(overImages, 100)}"]
                : Array.Empty<string>(),
        ];
        var noise = seeds?.Contains(0) == true || images?.Contains(0) == true ? $": may be noise{Detectable(method, images)}" : "";
        return known.Length == 0 ? "; one seed, so the spread is unknown" : $"; 95 % {string.Join(", ", known)}{noise}";
    }

    // "May be noise" says little unless a difference of interesting size would have been detected.
    private string Detectable(string method, Interval? images) =>
        PairedPower.Detectable(PerSeed(method), images is { } ends ? new(100 * ends.Low, 100 * ends.High) : null) is not { } points ? ""
        : string.Create(CultureInfo.InvariantCulture,
            $"; only a difference of about {points:F1} points would be detected in four of five such comparisons");

    private static string Points(Interval interval, double scale) =>
        string.Create(CultureInfo.InvariantCulture, $"{scale * interval.Low:+0.0;-0.0;0.0} to {scale * interval.High:+0.0;-0.0;0.0}");

    // The same seed trains both on the same images in the same order, so the differences are taken seed by seed.
    private double[] PerSeed(string method) =>
        [.. result.Of(method).Zip(result.Of(Methods.Baseline), (own, baseline) => Last(own) - Last(baseline))];

    private Interval? OverSeeds(string method) => Difference.TInterval(PerSeed(method));

    // Mixing makes the task harder and learning slower: a run that ends while its error still falls mainly shows how fast it falls. A
    // decaying learning rate lowers every error at the end, so the decrease is compared with the baseline's.
    private static string StillLearning((double Third, double Last, int Epochs)? method, (double Third, double Last, int Epochs)? baseline)
    {
        if (method is not var (before, last, epochs) || baseline is not var (first, end, _))
            return "";
        if (before == 0 || first == 0)
            return "";
        return last / before > 0.9 * Math.Min(1, end / first) ? "" : string.Create(CultureInfo.InvariantCulture,
            $" It had not finished learning: its validation error was {before:F1} % in the third quarter of the {epochs} epochs "
                + $"and {last:F1} % in the last; compare longer runs, of {2 * epochs} epochs.");
    }

    // Mean validation error of the third and of the last quarter, because single epochs are noisy; null for runs too short to have them.
    private (double Third, double Last, int Epochs)? Quarters(string method)
    {
        var errors = training.PerEpoch(method, training.ErrorMetric).Select(point => 100 * point.Value.Mean).ToArray();
        var quarter = errors.Length / 4;
        return quarter == 0 ? null : (errors[^(2 * quarter)..^quarter].Average(), errors[^quarter..].Average(), errors.Length);
    }

    private static string Joined(IEnumerable<string> names, string word) => names.ToArray() switch
    {
        [var one] => one,
        [.. var all, var last] => $"{string.Join(", ", all)} {word} {last}",
        [] => "",
    };
}
