using System.CommandLine;
using System.Text.Json;
using Patchwork.Cli.Terminal;
using Patchwork.Comparisons;
using Patchwork.Mixing;
using Patchwork.Recipes;
using Patchwork.Reporting;
using Patchwork.Runs;
using Spectre.Console;

namespace Patchwork.Cli.Commands;

/// <summary><c>compare</c>: methods × seeds, a folder each; finished runs are skipped, partial ones resumed.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var methods = new Option<string>("--methods")
        {
            Description = "methods separated by commas, or all",
            DefaultValueFactory = _ =>
            DefaultExperiment.Methods
        };
        var seeds = WholeOption.Create("--seeds", "seeds a method", 3);
        var output = new Option<string?>("--out") { Description = "folder (default runs/compare-DATASET-MODEL)" };
        var jobs = WholeOption.Optional("--jobs", "runs at a time (default: one a core with 4 GiB of memory for each; one on a GPU)");
        var markdown = new Option<bool>("--markdown") { Description = "print the table as Markdown" };
        var suites = new SuiteOptions("--evaluate", "none");
        var common = new CommonOptions(threads: null);
        var recipe = new RecipeOptions().Data().Mixing(method: false).Training();
        var command = new Command("compare", "Trains methods × seeds and compares them.") { methods, seeds, jobs, output, markdown };
        suites.AddTo(command);
        recipe.AddTo(command);
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            var chosen = recipe.Over(new Recipe(), parsed);
            var names = parsed.GetValue(methods) == "all" ? [Methods.Baseline, .. Methods.All.Select(method => method.Id)]
                : parsed.GetValue(methods)!.Split(',', StringSplitOptions.TrimEntries);
            var comparison = new Comparison(chosen, names, parsed.GetValue(seeds), parsed.GetValue(jobs));
            var folder = parsed.GetValue(output) ?? Path.Combine("runs", $"compare-{chosen.Dataset}-{chosen.Model}");
            var evaluation = suites.Over(parsed);
            evaluation?.Check(chosen);
            var cancellation = CommandRunner.CancelledByKeyboard();
            var line = new LiveLine(parsed.Error);
            var among = comparison.Jobs == 1 ? null : new RunsProgress(line, "training", comparison.Labels, comparison.Finished(folder));
            var progress = comparison.Labels.ToDictionary(label => label, label =>
                new FitProgress(line, label, common.Quiet(parsed), among));
            var result = comparison.Run(folder, label => [progress[label]], (label, notice) => progress[label].Say(notice), cancellation);
            line.Clear();
            var evaluations = evaluation is null ? null : Evaluate(result, evaluation, line, common.Quiet(parsed), cancellation);
            var report = new ComparisonReport(result, CommandRunner.Line, evaluations);
            report.Write(folder);
            if (common.Json(parsed))
                parsed.Output.WriteLine(report.Json().ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
            else if (parsed.GetValue(markdown))
                parsed.Output.Write(string.Join("\n", ((ResultTable?[])[report.Table(), evaluations?.Table()]).OfType<ResultTable>()
                    .Select(table => table.ToMarkdown())));
            else
                Print(parsed, report, evaluations, folder);
            return 0;
        });
        return command;
    }

    private static ComparedEvaluations Evaluate(ComparisonResult result, EvaluationOptions options, LiveLine line, bool quiet,
        CancellationToken cancellation)
    {
        var among = result.Jobs == 1 ? null : new RunsProgress(line, "evaluating", result.Runs.Select(run => run.Label), []);
        var progress = result.Runs.ToDictionary(run => run.Label, run => new SuiteProgress(line, run.Label, quiet, among));
        var evaluations = ComparedEvaluations.Measure(result, options, (label, notice) => progress[label].Say(notice), (label, done) =>
            progress[label].Advance(done), cancellation);
        line.Clear();
        return evaluations;
    }

    private static void Print(ParseResult parsed, ComparisonReport report, ComparedEvaluations? evaluations, string folder)
    {
        Write(parsed.Screen, report.Table());
        foreach (var line in report.Answers())
            parsed.Output.WriteLine(line);
        if (evaluations is not null)
        {
            Write(parsed.Screen, evaluations.Table());
            foreach (var line in evaluations.Answers())
                parsed.Output.WriteLine(line);
        }
        parsed.Output.WriteLine($"report: {Path.Combine(folder, "report.html")}");
    }

    private static void Write(IAnsiConsole screen, ResultTable content)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var (column, i) in content.Columns.Select((column, i) => (column, i)))
        {
            // Titles wrap between words, names and numbers never: the longest name and all columns fit into 80 characters.
            var words = column.Title.Split(' ').Concat(content.Rows.Select(row => row[i]));
            table.AddColumn(new TableColumn(Markup.Escape(column.Title))
            {
                Padding = new Padding(0, 0, i == content.Columns.Count - 1 ? 0 : 1, 0),
                Width = words.Max(word => word.Length),
                Alignment = column.Alignment == Alignment.Right ? Justify.Right : Justify.Left,
            });
        }
        foreach (var row in content.Rows)
            table.AddRow([.. row.Select(Markup.Escape)]);
        screen.Write(table);
    }
}
