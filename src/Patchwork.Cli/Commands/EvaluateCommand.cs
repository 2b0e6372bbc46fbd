using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Comparisons;
using Patchwork.Evaluation;
using Patchwork.Runs;

namespace Patchwork.Cli.Commands;

/// <summary>
/// <c>evaluate</c>: measures the paper's claims on a finished run, suite by suite; stored results are reused.
/// </summary>
internal static class EvaluateCommand
{
    public static Command Create(CommandRanks ranks)
    {
        var run = new Argument<string>("run") { Description = "run folder" };
        var options = new SuiteOptions("--suite");
        var markdown = new Option<bool>("--markdown") { Description = "print the table as Markdown" };
        var logits = new Option<string?>("--logits")
        {
            Description = "write the logits of each test image: .npy, float32 (images, classes), or .csv with file names and classes",
            HelpName = "FILE",
        };
        var common = new CommonOptions("torch threads (default: the run's)", worksInRuns: true);
        var precision = ChoiceOption.Precision();
        var command =
            new Verb("evaluate", "Evaluates a finished run beyond test error, suite by suite; resumes where it was interrupted.",
                new("patchwork evaluate runs/mine", "every suite that the test set allows"),
                new("patchwork evaluate runs/mine --suite calibration,corruption --limit 500", "two suites on 500 test images"),
                new("patchwork evaluate runs/mine --suite clean --logits logits.npy", "also writes the logits"))
            {
                run, precision, markdown, logits,
            };
        options.AddTo(command);
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            common.PrepareTorch(parsed);
            var folder = parsed.GetValue(run)!;
            var chosen = options.Over(parsed, "all")! with { Precision = parsed.GetValue(precision), Threads = common.Threads(parsed) };
            var line = new LiveLine(parsed.Error);
            var progress = new SuiteProgress(line, Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))),
                common.Quiet(parsed));
            using var interruption = Interruption.Listen();
            common.BreakLocks(parsed, folder);
            if (parsed.GetValue(logits) is { } path)
                RunEvaluation.WriteLogits(folder, path, chosen, interruption.Token);      // one pass; a wrong file name is rejected first
            var suites = RunEvaluation.Run(folder, chosen, progress.Say, progress.Advance, ranks.Collective, interruption.Token);
            line.Clear();
            var finished = ComparisonResult.Of(RunFolder.Open(folder));
            var evaluations = new ComparedEvaluations(finished, [suites]);
            new ComparisonReport(finished, CommandRunner.Line, evaluations).WritePage(folder);
            if (common.Json(parsed))
                parsed.Output.WriteLine(new JsonObject(suites.Select(one =>
                    KeyValuePair.Create(one.Suite.Id, (JsonNode?)EvaluationFiles.Metrics(one))))
                    .ToIndented());
            else if (parsed.GetValue(markdown))
                parsed.Output.Write(evaluations.Table().ToMarkdown());
            else
                Print(parsed.Output, suites, folder);
            return 0;
        });
        return command;
    }

    private static void Print(TextWriter output, IReadOnlyList<MeasuredSuite> suites, string folder)
    {
        foreach (var (suite, result) in suites)
        {
            var shown = suite.Headlines.Where(headline => result.Metrics.ContainsKey(headline.Metric)).ToArray();
            output.WriteLine($"{suite.Id}, "
                + $"{shown.Max(headline => result.Metrics[headline.Metric].N).ToString("N0", CultureInfo.InvariantCulture)} images");
            foreach (var headline in shown)
            {
                var (metric, scale) = (result.Metrics[headline.Metric], headline.Percent ? 100 : 1);
                var interval = metric is { IsKnown: true, Ci95: { } ends }
                    ? string.Create(CultureInfo.InvariantCulture, $"   95 % in {scale * ends.Low:F2} to {scale * ends.High:F2}") : "";
                var value = metric.IsKnown ? (scale * metric.Value).ToString("F2", CultureInfo.InvariantCulture) : "-";
                output.WriteLine($"  {headline.Title,-44} {value,7}{interval}");
            }
            foreach (var note in result.Notes)
                output.WriteLine($"  {note}");
        }
        output.WriteLine($"all numbers: {Path.Combine(folder, "evaluation.json")}");
        output.WriteLine($"report: {Path.Combine(folder, "report.html")}");
    }
}
