using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Internals;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Previews;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Reporting;
using Patchwork.Runs;
using Patchwork.Training;

namespace Patchwork.Comparisons;

/// <summary>
/// Reports the results of a comparison: the table, <c>compare.json</c>, <c>report.html</c>, and tables as CSV if its runs were evaluated.
/// </summary>
/// <param name="result">The runs.</param>
/// <param name="command">The command that made the runs, so that it can be repeated.</param>
/// <param name="evaluations">
/// What was measured beyond the test error; null for nothing. What other suites measured earlier on the same weights is reported too.
/// </param>
public sealed class ComparisonReport(ComparisonResult result, string command, ComparedEvaluations? evaluations = null)
{
    private const int StripLength = 5;      // without the original

    private readonly ComparedTraining training = new(result);
    private readonly ComparedEvaluations? evaluations = ComparedEvaluations.WithEarlier(result, evaluations);
    private readonly string bestTitle = result.Recipe.ValidatesOnTest ? "best test epoch" : "best epoch";

    /// <summary>
    /// One row per method: test error after the last and at the best epoch, training accuracy, and the difference from the baseline.
    /// </summary>
    public ResultTable Table()
    {
        var baseline = result.Methods.Contains(Methods.Baseline) ? Errors.Of(Methods.Baseline) : (Statistic?)null;
        var rows = result.Methods.Select(method =>
        {
            var runs = result.Of(method).ToArray();
            var last = Errors.Of(method);
            return (IReadOnlyList<string>)
            [
                method,
                last.ToString(),
                Statistic.Of(runs.Select(run => 100 * run.Result.Best.Error)).ToString(),
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
                new("vs baseline", Alignment.Right), new(result.Repetitions, Alignment.Right)],
            [.. rows]);
    }

    private ComparedErrors Errors => field ??= new(result, training, evaluations);

    // If a suite measured the test error again on a part of the images, both numbers say on how many.
    private string AllImages => evaluations?.Limit is null ? ""
        : string.Create(CultureInfo.InvariantCulture, $", all {result.Runs[0].Result.TestImages:N0} images");

    /// <summary>The answer in one sentence: the best method against the baseline, with the interval over the seeds.</summary>
    public string Answer => Errors.Answer;

    /// <summary>
    /// What each method changed against the baseline, whether that exceeds the spread of the seeds, and whether it had finished learning:
    /// one line per method.
    /// </summary>
    public IReadOnlyList<string> Answers() => Errors.Lines();

    /// <summary>Writes <c>compare.json</c> and the report page into the comparison's folder.</summary>
    /// <exception cref="OutputException">A file could not be written.</exception>
    public void Write(string folder)
    {
        Store(folder, "compare.json", Json().ToJsonString(IndentedJson.Options) + "\n");
        WritePage(folder);
    }

    /// <summary>
    /// Writes <c>report.html</c>, and, if something was evaluated, <c>evaluation.csv</c>, <c>curves.csv</c> and, for several methods,
    /// <c>differences.csv</c>, into a folder; each file is written atomically.
    /// </summary>
    /// <exception cref="OutputException">A file could not be written.</exception>
    public void WritePage(string folder)
    {
        if (evaluations is not null)
        {
            Store(folder, "evaluation.csv", evaluations.AllMetrics().ToCsv());
            if (evaluations.Curves() is { Rows.Count: > 0 } curves)
                Store(folder, "curves.csv", curves.ToCsv());
            if (result.Methods.Count > 1)
                Store(folder, "differences.csv", evaluations.Differences().ToCsv());
        }
        Store(folder, "report.html", Html().ToHtml());
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
                + "measurements are complete. Free some space, then create the report again; nothing is trained or measured twice.",
                error);
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
        ["bestIsTestEpoch"] = result.Recipe.ValidatesOnTest,
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
            ["mean"] = JsonNumbers.Of(statistic.Mean),
            ["deviation"] = JsonNumbers.Of(statistic.StandardDeviation),
            ["n"] = statistic.Count,
        };
    }

    private HtmlReport Html()
    {
        var run = RunFolder.Open(result.Runs[0].Folder);
        var data = RunData.Open(run);
        return Html(data.Pair, data.ChangesSince(run));
    }

    private HtmlReport Html(DatasetPair data, string? changes) => new()
    {
        Title = Errors.Question,
        Lead = Errors.Answer,
        Opening = [.. Strip(data.Train), .. result.Methods.Count > 1 ? [HtmlFragment.Chart(Errors.Chart())] : Array.Empty<HtmlFragment>()],
        Sections =
        [
            new("Results", [HtmlFragment.Table(Table()), .. Answers().Count > 1 ? Answers().Select(HtmlFragment.Paragraph) : [],
                HtmlFragment.Paragraph(
                $"Test error in percent{(training.ErrorMetric == ValidationError.OfSeveral ? " (100 - mean average precision)" : "")}, "
                    + $"mean ± sample standard deviation over the {result.Repetitions}. The test set was read after the fit; the best "
                    + "epoch is the one with the lowest "
                    + $"{(result.Recipe.ValidatesOnTest ? "test error itself, which is optimistic" : "validation error")}."
                + (changes is null ? "" : $" The data has changed since the runs were made ({changes}); the test errors here were measured "
                    + "at that time."))]),
            .. training.Sections(),
            .. evaluations?.Sections() ?? [],
            new ComparedActivations(result, data.Test).Section(),
            .. Sheets(data.Train),
            new("Repeat it", [HtmlFragment.Code(command),
                HtmlFragment.Facts(Environment().Where(fact => fact.Key != "command")
                .Select(fact => KeyValuePair.Create(fact.Key, fact.Value?.ToString() ?? "")))]),
        ],
    };

    // The same photograph as each method that changes pixels shows it to the network.
    private IEnumerable<HtmlFragment> Strip(Dataset train)
    {
        MethodStack[] stacks = [.. result.Methods.Select(method => result.RecipeOf(method).Stack).Where(stack => stack.ChangesPixels)];
        if (stacks.Length > 0)
            yield return HtmlFragment.Strip(MixingPreview.Strip(stacks, train, new SeedStream(result.Recipe.Seed), StripLength));
    }

    // Every image of a sheet is changed, so methods that differ only in how often they act, or in what else they do, have the same.
    private IEnumerable<ReportSection> Sheets(Dataset train)
    {
        var stacks = result.Methods.Select(method => (Method: method, result.RecipeOf(method).Stack)).Where(one => one.Stack.ChangesPixels);
        var equal = EqualityComparer<IReadOnlyList<IMethod>>.Create((one, other) => one!.SequenceEqual(other!), methods => methods.Count);
        foreach (var same in stacks.GroupBy(one => one.Stack.OnEveryImage, equal))
        {
            var (method, stack) = same.First();
            var others = same.Skip(1).Select(one => one.Method).ToArray();
            yield return new($"What {method} shows the network",
            [
                HtmlFragment.Image(
                    MixingPreview.Draw(stack, train, new SeedStream(result.Recipe.Seed), 4, preset: result.Recipe.Preset),
                    $"Sheet of four training images with their partners, the result of {method}, and the difference; λ, region and label "
                        + "weights below."),
                .. others.Length == 0 ? Array.Empty<HtmlFragment>()
                    : [HtmlFragment.Paragraph($"The same, where they act: {string.Join(", ", others)}.")],
            ]);
        }
    }
}
