using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Internals;
using Patchwork.Mixing;
using Patchwork.Previews;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Reporting;
using Patchwork.Runs;

namespace Patchwork.Comparisons;

/// <summary>
/// What a comparison found: the table, <c>compare.json</c>, <c>report.html</c>, and <c>evaluation.csv</c> where its runs were evaluated.
/// </summary>
/// <param name="result">The runs.</param>
/// <param name="command">The command that made them, to be repeated.</param>
/// <param name="evaluations">
/// What was measured beyond the test error; null for nothing. What other suites measured earlier on the same weights is reported too.
/// </param>
public sealed class ComparisonReport(ComparisonResult result, string command, ComparedEvaluations? evaluations = null)
{
    private readonly ComparedTraining training = new(result);
    private readonly ComparedEvaluations? evaluations = ComparedEvaluations.WithEarlier(result, evaluations);
    private readonly string bestTitle = result.Recipe.ValidationShare is null ? "best test epoch" : "best epoch";

    /// <summary>
    /// One row a method: test error after the last and at the best epoch, training accuracy, and the difference to the baseline.
    /// </summary>
    public ResultTable Table()
    {
        var baseline = result.Methods.Contains(Methods.Baseline) ? Statistic.Of(result.Of(Methods.Baseline).Select(LastError))
            : (Statistic?)null;
        var rows = result.Methods.Select(method =>
        {
            var runs = result.Of(method).ToArray();
            var last = Statistic.Of(runs.Select(LastError));
            return (IReadOnlyList<string>)
            [
                method,
                last.ToString(),
                Statistic.Of(runs.Select(run => 100 * run.Result.Best.Top1Error)).ToString(),
                training.Trained ? Statistic.Of(runs.Select(run => 100 * run.Result.TrainAccuracy)).ToString() : "",
                baseline is null || method == Methods.Baseline ? "" : (last.Mean - baseline.Value.Mean)
                    .ToString("+0.00;-0.00", CultureInfo.InvariantCulture),
                runs.Length.ToString(CultureInfo.InvariantCulture),
            ];
        });
        return new ResultTable(
            [new("method"), new($"test error %, last epoch{AllImages}", Alignment.Right),
                new($"test error %, {bestTitle}{AllImages}", Alignment.Right),
                new("train acc. %", Alignment.Right),
                new("vs baseline", Alignment.Right), new("seeds", Alignment.Right)],
            [.. rows]);
    }

    // Where a suite measured the test error again on a part of the images, both numbers say on how many.
    private string AllImages => evaluations?.Limit is null ? ""
        : string.Create(CultureInfo.InvariantCulture, $", all {result.Runs[0].Result.TestImages:N0} images");

    /// <summary>
    /// What each method changed against the baseline, whether that is more than the seeds' own spread, and whether it had finished
    /// learning: a line each.
    /// </summary>
    public IReadOnlyList<string> Answers()
    {
        if (!result.Methods.Contains(Methods.Baseline) || result.Methods.Count < 2)
            return [$"{result.Runs.Count} {(result.Runs.Count == 1 ? "run" : "runs")} of {string.Join(", ", result.Methods)}; add the "
                + "baseline to see what a method changes."];
        return [.. Compared.Select(method => Sentence(method, Errors(Methods.Baseline)) + StillLearning(method))];
    }

    // The answer in the first screen: in full for a few methods, who is below and who above the baseline for many.
    private string Lead()
    {
        if (!result.Methods.Contains(Methods.Baseline) || !Compared.Any())
            return string.Join(" ", result.Methods.Select(method =>
                FormattableString.Invariant($"{NameOf(method)}: test error {Errors(method)} %.")));
        if (Compared.Count() <= 4)
        {
            var main = Compared.FirstOrDefault(method => method == Methods.All[0].Id) ?? Compared.First();
            var others = string.Join(", ", Compared.Where(method => method != main)
                .Select(method => FormattableString.Invariant($"{NameOf(method)} {Errors(method).Mean:F2} %")));
            return $"{Sentence(main, Errors(Methods.Baseline))}{Beyond([main])}{(others.Length > 0 ? $" Beside it: {others}." : "")}";
        }
        var baseline = Errors(Methods.Baseline);
        string Side(bool lower) => string.Join(", ",
            Compared.Select(method => (Name: NameOf(method), Errors: Errors(method), IsNoise: OverSeeds(method)?.Contains(0) == true))
            .Where(one => one.Errors.Mean <= baseline.Mean == lower)
            .OrderBy(one => one.Errors.Mean)
            .Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Name} {one.Errors.Mean:F2}{(one.IsNoise ? "~" : "")}"))
                .DefaultIfEmpty("none"));
        return string.Create(CultureInfo.InvariantCulture,
            $"Lower test error than the baseline's {baseline.Mean:F2} %: {Side(true)}. Higher: {Side(false)}. With ~: the 95 % "
                + $"t-interval over the seeds holds no difference too, may be noise.") + Beyond(Compared);
    }

    private string Beyond(IEnumerable<string> methods) =>
        evaluations is null ? "" : $" Beyond the test error, {string.Join("; ", methods.Select(evaluations.Count))}.";

    private IEnumerable<string> Compared => result.Methods.Where(method => method != Methods.Baseline);

    private Statistic Errors(string method) => Statistic.Of(result.Of(method).Select(LastError));

    // The same seed trains both on the same images in the same order, so the differences are taken seed by seed.
    private Interval? OverSeeds(string method) =>
        Difference.TInterval([.. result.Of(method)
            .Zip(result.Of(Methods.Baseline), (own, baseline) => LastError(own) - LastError(baseline))]);

    /// <summary>Writes <c>compare.json</c> and the page into the comparison's folder.</summary>
    /// <exception cref="OutputException">A file could not be written.</exception>
    public void Write(string folder)
    {
        Store(folder, "compare.json", Json().ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
        WritePage(folder);
    }

    /// <summary>
    /// Writes <c>report.html</c>, and <c>evaluation.csv</c> where something was evaluated, into a folder; each whole or not at all.
    /// </summary>
    /// <exception cref="OutputException">A file could not be written.</exception>
    public void WritePage(string folder)
    {
        if (evaluations is not null)
            Store(folder, "evaluation.csv", evaluations.AllMetrics().ToCsv());
        Store(folder, "report.html", Html(result.Recipe.OpenData()).ToHtml());
    }

    private static void Store(string folder, string name, string text)
    {
        try
        {
            AtomicFile.WriteText(Path.Combine(folder, name), text);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"The report's {name} could not be written to {folder} ({error.Message.TrimEnd('.')}). Runs and "
                + "measurements are whole: make room, then ask for it again, which trains and measures nothing twice.", error);
        }
    }

    /// <summary>The whole result as one JSON document.</summary>
    public JsonObject Json()
    {
        var json = Runs();
        if (evaluations is not null)
            json["evaluation"] = evaluations.Json();
        return json;
    }

    private JsonObject Runs() => new()
    {
        ["version"] = 1,
        ["command"] = command,
        ["environment"] = Environment(),
        ["recipe"] = JsonNode.Parse(result.Recipe.ToJson()),
        ["bestIsTestEpoch"] = result.Recipe.ValidationShare is null,
        ["methods"] = new JsonArray([.. result.Methods.Select(MethodJson)]),
    };

    // Threads and precision are those of the runs, not of this report.
    private JsonObject Environment()
    {
        var environment = Provenance.Describe();
        var run = RunFolder.Open(result.Runs[0].Folder).Recipe;
        environment["torchThreads"] = run.Threads;
        environment["trainingPrecision"] = run.Precision.ToString();
        environment["runsAtATime"] = result.Jobs;
        return environment;
    }

    private JsonObject MethodJson(string method)
    {
        var runs = result.Of(method).ToArray();
        return new JsonObject
        {
            ["method"] = method,
            ["top1_error_last"] = StatisticJson(runs.Select(run => run.Result.Last.Top1Error)),
            ["top1_error_best"] = StatisticJson(runs.Select(run => run.Result.Best.Top1Error)),
            ["top5_error_last"] = StatisticJson(runs.Select(run => run.Result.Last.Top5Error)),
            ["train_accuracy"] = StatisticJson(runs.Select(run => run.Result.TrainAccuracy)),
            ["runs"] = new JsonArray([.. runs.Select(run => new JsonObject
            {
                ["seed"] = run.Seed,
                ["folder"] = Path.GetFileName(run.Folder),
                ["result"] = JsonNode.Parse(run.Result.ToJson()),
            })]),
        };
    }

    private static JsonObject StatisticJson(IEnumerable<double> values)
    {
        var statistic = Statistic.Of(values);
        return new JsonObject
        {
            ["mean"] = statistic.Mean,
            ["deviation"] = double.IsFinite(statistic.StandardDeviation) ? statistic.StandardDeviation : null,
            ["n"] = statistic.Count,
        };
    }

    private HtmlReport Html(DatasetPair data) => new()
    {
        Title = result.Methods.Count == 1 ? $"{NameOf(result.Methods[0])} on {result.Recipe.Dataset}, {result.Recipe.Model}"
            : $"What {string.Join(", ", Compared.Select(NameOf))} {(Compared.Count() > 1 ? "change" : "changes")} on "
                + $"{result.Recipe.Dataset}",
        Lead = Lead(),
        Sections =
        [
            new("Results", [HtmlFragment.Table(Table()), .. Answers().Count > 1 ? Answers().Select(HtmlFragment.Paragraph) : [],
                HtmlFragment.Paragraph(
                $"Test error in percent, mean ± sample deviation over the seeds. The test set was read after the fit; the best epoch is "
                    + $"the one with the lowest "
                    + $"{(result.Recipe.ValidationShare is null ? "test error itself, which flatters" : "validation error")}.")]),
            .. training.Sections(),
            .. evaluations?.Sections() ?? [],
            new ComparedActivations(result, data.Test).Section(),
            .. Sheets(data.Train),
            new("Repeat it", [HtmlFragment.Code(command),
                HtmlFragment.Facts(Environment().Where(fact => fact.Key != "command")
                .Select(fact => KeyValuePair.Create(fact.Key, fact.Value?.ToString() ?? "")))]),
        ],
    };

    private IEnumerable<ReportSection> Sheets(Dataset train)
    {
        foreach (var method in result.Methods)
        {
            if (result.RecipeOf(method).Stack is { ChangesPixels: true } stack)
                yield return new($"What {method} shows the network",
                    [HtmlFragment.Image(MixingPreview.Draw(stack, train, new SeedStream(result.Recipe.Seed), 4,
                    preset: result.Recipe.Preset),
                    $"Sheet of four training images with their partner, what {method} makes of it, and the difference; λ, region and "
                        + "label weights beneath.")]);
        }
    }

    private string Sentence(string method, Statistic baseline)
    {
        var own = Errors(method);
        var gain = baseline.Mean - own.Mean;
        var change = gain == 0 ? FormattableString.Invariant($"leaves the test error at {own.Mean:F2} %")
            : FormattableString.Invariant($"{(gain > 0 ? "lowers" : "raises")} the test error from {baseline.Mean:F2} to {own.Mean:F2} %");
        return $"{NameOf(method)} {change} ({Math.Abs(gain).ToString("F2", CultureInfo.InvariantCulture)} points{Intervals(method)}).";
    }

    // How far the difference moves with the seeds, and where the clean suite was measured with the test images.
    private string Intervals(string method)
    {
        string Ends(Interval? interval, double scale, string over) => interval is { } ends
            ? string.Create(CultureInfo.InvariantCulture, $"{over} {scale * ends.Low:+0.0;-0.0;0.0} to {scale * ends.High:+0.0;-0.0;0.0}")
                : "";
        var (seeds, images) = (OverSeeds(method), evaluations?.TestErrorOverImages(method));
        var known =
            string.Join(", ",
            ((string[])[Ends(seeds, 1, "over the seeds"),
            Ends(images, 100, evaluations?.Limit is { } limit ? $"over {limit} of the test images" : "over the test images")])
            .Where(text => text.Length > 0));
        var noise = seeds?.Contains(0) == true || images?.Contains(0) == true ? ": may be noise" : "";
        return known.Length == 0 ? "; one seed, no spread known" : $"; 95 % {known}{noise}";
    }

    // Mixing makes the task harder and learning slower: a run that ends on the slope measures the slope. Quarters, because single epochs
    // are noisy.
    private string StillLearning(string method)
    {
        var errors = training.PerEpoch(method, "val/top1_error").Select(point => 100 * point.Value.Mean).ToArray();
        var quarter = errors.Length / 4;
        if (quarter == 0)
            return "";
        var (before, last) = (errors[^(2 * quarter)..^quarter].Average(), errors[^quarter..].Average());
        return last > 0.9 * before ? "" : string.Create(CultureInfo.InvariantCulture,
            $" It had not finished learning: its validation error was {before:F1} % in the third quarter of the {errors.Length} epochs "
                + $"and {last:F1} % in the last; compare longer runs, of {2 * errors.Length} epochs.");
    }

    private string NameOf(string method) => result.NameOf(method);

    private static double LastError(ComparedRun run) => 100 * run.Result.Last.Top1Error;
}
