using System.Globalization;
using System.Text.Json.Nodes;
using Patchwork.Distributed;
using Patchwork.Evaluation;
using Patchwork.Inference;
using Patchwork.Internals;
using Patchwork.Mixing;
using Patchwork.Reporting;
using Patchwork.Runs;
using Patchwork.Training;

namespace Patchwork.Comparisons;

/// <summary>
/// The evaluations of a comparison's runs: tables, sentences and charts of what each method changed beyond the test error.
/// </summary>
/// <param name="comparison">The runs.</param>
/// <param name="results">What was measured, for each run in the order of the comparison: the same suites with the same options.</param>
public sealed partial class ComparedEvaluations(ComparisonResult comparison, IReadOnlyList<IReadOnlyList<MeasuredSuite>> results)
{
    private readonly IReadOnlyList<IReadOnlyList<MeasuredSuite>> results = results;
    private readonly IReadOnlyList<Suite> suites = [.. results[0].Select(one => one.Suite)];

    /// <summary>Evaluates the runs of a comparison, or reads what has already been measured.</summary>
    /// <param name="comparison">The runs.</param>
    /// <param name="options">What to measure.</param>
    /// <param name="report">Receives lines for the user, with the run's label, on the thread of that run.</param>
    /// <param name="progress">Receives a run's label and the progress of its evaluation, on the thread of that run.</param>
    /// <param name="collective">Processes that measure together, of which this is rank 0; null: this process alone.</param>
    /// <param name="cancellation">Ends the evaluation between two batches; the same call resumes it.</param>
    public static ComparedEvaluations Measure(ComparisonResult comparison, EvaluationOptions options, Action<string, Notice> report,
        Action<string, EvaluationProgress> progress, ICollective? collective = null, CancellationToken cancellation = default)
    {
        IReadOnlyList<MeasuredSuite> Evaluate(ComparedRun run, CancellationToken stop) =>
            RunEvaluation.Run(run.Folder, options, notice => report(run.Label, notice), done => progress(run.Label, done),
                collective, stop);
        return new(comparison, ParallelRuns.Run(comparison.Runs, comparison.Jobs, Evaluate, cancellation));
    }

    /// <summary>
    /// What was measured now, and what the catalogue's other suites measured earlier on the same weights, with the same options for all
    /// runs; null if there is neither.
    /// </summary>
    internal static ComparedEvaluations? WithEarlier(ComparisonResult comparison, ComparedEvaluations? now)
    {
        RunFolder[] runs = [.. comparison.Runs.Select(run => RunFolder.Open(run.Folder))];
        // All runs of a fold have the same data, which is opened once.
        var data = runs.DistinctBy(run => run.Recipe.TestedFold)
            .ToDictionary(run => run.Recipe.TestedFold ?? -1, run => new Lazy<RunData>(() => RunData.Open(run)));
        EvaluationFiles[] files = [.. runs.Select(run => new EvaluationFiles(run, data[run.Recipe.TestedFold ?? -1]))];
        var perRun = files.Select(_ => new List<MeasuredSuite>()).ToArray();
        foreach (var suite in Suites.All.Concat(now?.suites ?? []).DistinctBy(suite => suite.Id))
        {
            MeasuredSuite?[] measured = [.. files.Select((file, run) =>
                now?.results[run].FirstOrDefault(one => one.Suite.Id == suite.Id) ?? file.ReadLast(suite))];
            if (measured.All(one => one is not null) && measured.DistinctBy(one => (one!.Limit, one.Precision, one.Choices)).Count() == 1)
            {
                foreach (var (list, one) in perRun.Zip(measured))
                    list.Add(one!);
            }
        }
        return perRun[0].Count == 0 ? null : new ComparedEvaluations(comparison, perRun);
    }

    /// <summary>
    /// One row per headline metric, one column per method: mean ± standard deviation over the seeds; values that clearly differ from the
    /// baseline have an arrow.
    /// </summary>
    public ResultTable Table() => comparison.Runs.Count == 1 ? OfOneRun()
        : new([new("measured"), .. LimitsDiffer ? [new("images", Alignment.Right)] : Array.Empty<ResultColumn>(),
            .. comparison.Methods.Select(method => new ResultColumn(method, Alignment.Right))],
        [.. from suite in suites from headline in suite.Headlines where Has(suite, headline.Metric)
            select (IReadOnlyList<string>)[Title(suite, headline),
                .. LimitsDiffer ? [Images(Of(suite, comparison.Methods[0])[0].Metrics[headline.Metric])] : Array.Empty<string>(),
                .. comparison.Methods.Select(method => Cell(suite, headline, method))]]);

    // A single run has intervals over the test images and nothing to be compared with.
    private ResultTable OfOneRun() =>
        new([new("measured"), new("value", Alignment.Right), new("95 % over the images", Alignment.Right), new("images", Alignment.Right)],
        [.. from one in results[0] from headline in one.Suite.Headlines where one.Result.Metrics.ContainsKey(headline.Metric)
            let metric = one.Result.Metrics[headline.Metric] let scale = headline.Percent ? 100 : 1
            select (IReadOnlyList<string>)[Title(one.Suite, headline),
                metric.IsKnown ? (scale * metric.Value).ToString("F2", CultureInfo.InvariantCulture) : "-",
                metric is { IsKnown: true, Ci95: { } ends }
                    ? string.Create(CultureInfo.InvariantCulture, $"{scale * ends.Low:F2} to {scale * ends.High:F2}")
                    : "", Images(metric)]]);

    // True for suites measured in several calls; after one call, a sentence below the table gives the limit of all rows.
    private bool LimitsDiffer => results[0].DistinctBy(one => one.Limit).Count() > 1;

    // The clean suite measures the test error again: if it used a part of the test images, the row says so.
    private string Title(Suite suite, Headline headline) => headline.IsTestError && Measured(suite).Limit is { } limit
        ? string.Create(CultureInfo.InvariantCulture, $"{headline.Title} ({limit:N0} of {TestImages:N0} images)") : headline.Title;

    private static string Images(Metric metric) => metric.N.ToString("N0", CultureInfo.InvariantCulture);

    private long TestImages => comparison.Runs[0].Result.TestImages;

    private MeasuredSuite Measured(Suite suite) => results[0].Single(one => one.Suite.Id == suite.Id);

    // How a suite was measured; empty if on all test images, in float32 and with its default options.
    private string Conditions(MeasuredSuite one)
    {
        string[] said =
        [
            one.Limit is { } limit ? string.Create(CultureInfo.InvariantCulture, $"{limit:N0} of {TestImages:N0} test images") : "",
            one.Precision == Precision.Float32 ? "" : one.Precision.ToString().ToLowerInvariant(),
            one.Choices,
        ];
        return string.Join(", ", said.Where(text => text.Length > 0));
    }

    /// <summary>
    /// For each method, what it clearly changed against the baseline and what is within the noise; empty without a baseline.
    /// </summary>
    public IReadOnlyList<string> Answers() => !comparison.Methods.Contains(Methods.Baseline) ? []
        : [.. comparison.Methods.Where(method => method != Methods.Baseline).Select(Answer)];

    /// <summary>All metrics as JSON: <c>{suite: {metric: {method: {mean, deviation, t95, n, limit, vs_baseline}}}}</c>.</summary>
    public JsonObject Json() =>
        new(suites.Select(suite => KeyValuePair.Create(suite.Id,
        (JsonNode?)new JsonObject(Of(suite, comparison.Methods[0])[0].Metrics.Keys.Where(metric => Has(suite, metric)).Select(metric =>
        KeyValuePair.Create(metric,
            (JsonNode?)new JsonObject(comparison.Methods.Select(method =>
            KeyValuePair.Create(method, (JsonNode?)Json(suite, metric, method))))))))));

    /// <summary>The report's sections: the table, and the curves of each suite.</summary>
    public IEnumerable<ReportSection> Sections()
    {
        string Named(IEnumerable<string> ids) =>
            suites.Count > 1 && ids.Count() == suites.Count ? "all suites" : string.Join(", ", ids);
        string[] conditions = [.. results[0].GroupBy(Conditions, one => one.Suite.Id).Where(group => group.Key.Length > 0)
            .Select(group => $"{Named(group)} ({group.Key})")];
        var limited = conditions.Length == 0 ? "" : $" Not measured with the default options: {string.Join("; ", conditions)}.";
        yield return new("Beyond the test error",
            [HtmlFragment.Table(Table()), .. Answers().Select(HtmlFragment.Paragraph), HtmlFragment.Paragraph(comparison.Runs.Count == 1
            ? "All numbers are for the last epoch." + limited
                : $"Mean ± sample standard deviation over the {comparison.Repetitions}. ▲ and ▼: clearly better or worse than the "
                    + "baseline, that is, the 95 % intervals of the difference over the test images (paired bootstrap) and over the "
                    + $"{comparison.Repetitions} (t-interval) both exclude 0. A difference without a mark is within the noise."
                    + limited)]);
        var classes = ModelCard.Read(RunFolder.Open(comparison.Runs[0].Folder).Checkpoints.Card).Classes;
        foreach (var suite in suites)
        {
            MeasuredMethod[] methods = [.. comparison.Methods.Select(method => new MeasuredMethod(method, Of(suite, method))
            {
                ClassNames = classes,
                OtherImages = comparison.Recipe.Folds is not null,
            })];
            Chart[] charts = [.. suite.Charts.SelectMany(chart => chart.Of(methods))];
            string[] notes = [.. methods.SelectMany(method => method.Results).SelectMany(result => result.Notes).Distinct()];
            if (charts.Length + notes.Length > 0)
                yield return new(suite.Title, [HtmlFragment.Paragraph(suite.Summary), .. notes.Select(HtmlFragment.Paragraph),
                    .. charts.Select(HtmlFragment.Chart)]);
        }
    }

    /// <summary>Number of test images that the test error was measured on; null: all, or it was not measured.</summary>
    internal int? Limit =>
        results[0].FirstOrDefault(one => one.Suite.Headlines.Any(headline => headline.IsTestError))?.Limit;

    /// <summary>
    /// How much the difference between a method's test error and the baseline's varies with the test images (paired bootstrap, 95 %); null
    /// if no suite measured the test error.
    /// </summary>
    internal Interval? TestErrorOverImages(string method) =>
        (from suite in suites
         from headline in suite.Headlines
         where headline.IsTestError && Has(suite, headline.Metric)
         select Change(suite, headline.Metric, method)?.OverImages).FirstOrDefault();

    private IReadOnlyList<SuiteResult> Of(Suite suite, string method) =>
        [.. comparison.Runs.Zip(results).Where(pair => pair.First.Method == method)
            .Select(pair => pair.Second.Single(one => one.Suite.Id == suite.Id).Result)];

    private bool Has(Suite suite, string metric) =>
        comparison.Methods.All(method => Of(suite, method).All(result => result.Metrics.ContainsKey(metric)));

    // Null for the baseline, without a baseline, and if a run has no number.
    private Difference? Change(Suite suite, string metric, string method)
    {
        bool Known(string one) => Of(suite, one).All(result => result.Metrics[metric].IsKnown);
        return method == Methods.Baseline || !comparison.Methods.Contains(Methods.Baseline) || !Known(method) || !Known(Methods.Baseline)
            ? null : Difference.Of(metric, Of(suite, method), Of(suite, Methods.Baseline),
                otherImages: comparison.Recipe.Folds is not null);
    }

    private string Cell(Suite suite, Headline headline, string method)
    {
        var scale = headline.Percent ? 100 : 1;
        var mean = Statistic.Of(Of(suite, method).Select(result => scale * result.Metrics[headline.Metric].Value))
            .ToString(headline.Percent ? 1 : 2);
        return headline.LowerIsBetter is { } lower && Change(suite, headline.Metric, method) is { IsNoise: false } change
            ? $"{mean} {(change.Value < 0 == lower ? "▲" : "▼")}" : mean;
    }

    /// <summary>
    /// How many measurements of a method are clearly better and clearly worse than the baseline's, as the end of a sentence.
    /// </summary>
    internal string Count(string method)
    {
        var changes = Changes(method);
        int Clear(bool better) =>
            changes.Count(one => !one.Change.IsNoise && (one.Change.Value < 0 == one.Headline.LowerIsBetter) == better);
        return $"{comparison.NameOf(method)} is clearly better at {Clear(true)} and worse at {Clear(false)} of {changes.Count} "
            + "measurements";
    }

    private IReadOnlyList<(Headline Headline, Difference Change)> Changes(string method) =>
        [.. from suite in suites from headline in suite.Headlines where headline.LowerIsBetter is not null && Has(suite, headline.Metric)
            let change = Change(suite, headline.Metric, method) where change is not null select (headline, change)];

    private string Answer(string method)
    {
        var changes = Changes(method);
        string Named(Func<Headline, Difference, bool> which) =>
            string.Join("; ", changes.Where(one => which(one.Headline, one.Change)).Select(one =>
            string.Create(CultureInfo.InvariantCulture,
                $"{one.Headline.Title} {(one.Headline.Percent ? 100 : 1) * one.Change.Value:+0.0#;-0.0#}")).DefaultIfEmpty("nothing"));
        return $"{comparison.NameOf(method)} is clearly better at: "
            + $"{Named((headline, change) => !change.IsNoise && change.Value < 0 == headline.LowerIsBetter)}. "
            + $"Clearly worse at: {Named((headline, change) => !change.IsNoise && change.Value < 0 != headline.LowerIsBetter)}. Of "
                + $"{changes.Count} measurements {changes.Count(one => one.Change.IsNoise)} differ by no more than the noise.";
    }

    private JsonObject Json(Suite suite, string metric, string method)
    {
        var values = Of(suite, method).Select(result => result.Metrics[metric]).ToArray();
        var statistic = Statistic.Of(values.Select(value => value.Value));
        var one = new JsonObject
        {
            ["mean"] = JsonNumbers.Of(statistic.Mean),
            ["deviation"] = JsonNumbers.Of(statistic.StandardDeviation),
            ["t95"] = Json(Difference.TInterval([.. values.Select(value => value.Value)])),
            ["seeds"] = statistic.Count,
            ["n"] = values[0].N,
        };
        if (Measured(suite).Limit is { } limit)
            one["limit"] = limit;
        if (Measured(suite).Precision is not Precision.Float32 and var precision)
            one["precision"] = precision.ToString();
        if (Change(suite, metric, method) is { } change)
        {
            one["vs_baseline"] = new JsonObject
            {
                ["difference"] = JsonNumbers.Of(change.Value),
                ["ci95_images"] = Json(change.OverImages),
                ["ci95_seeds"] = Json(change.OverSeeds),
                ["within_noise"] = change.IsNoise,
            };
        }
        return one;
    }

    private static JsonArray? Json(Interval? interval) => interval is { } ends ? JsonNumbers.Of([ends.Low, ends.High]) : null;
}
