using System.Collections.Concurrent;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Patchwork.Cli.Terminal;
using Patchwork.Comparisons;
using Patchwork.Distributed;
using Patchwork.Mixing;
using Patchwork.Recipes;
using Patchwork.Reporting;
using Patchwork.Runs;
using Patchwork.Training;

namespace Patchwork.Cli.Commands;

/// <summary><c>compare</c>: trains methods × seeds, one folder per run; skips finished runs and resumes partial ones.</summary>
internal static class CompareCommand
{
    public static Command Create(CommandRanks ranks)
    {
        var methods = new Option<string>("--methods")
        {
            Description = "methods, separated by commas, or all; options can be part of a name: cutmix:alpha=0.25",
            HelpName = "NAMES",
            DefaultValueFactory = _ => DefaultExperiment.Methods,
        };
        var seeds = WholeOption.Create("--seeds", "runs per method, each with its own seed; with --folds one per fold", 3);
        var output = new Option<string?>("--out") { Description = "folder (default runs/compare-DATASET-MODEL)", HelpName = "DIR" };
        var jobs = WholeOption.Optional("--jobs",
            "number of runs to train at the same time (default: one per core, with 4 GiB of memory for each; one on a GPU)");
        var markdown = new Option<bool>("--markdown") { Description = "print the table as Markdown" };
        var suites = new SuiteOptions("--evaluate", alsoNone: true);
        var file = new RecipeFile();
        var common = new CommonOptions(threads: null, worksInRuns: true);
        var recipe = new RecipeOptions(withDefaults: false).Data().Mixing(method: false).Training();
        var command = new Verb("compare", "Trains several methods with several seeds, evaluates them and writes a report. Without a recipe "
            + "or a data set it runs recipes/default.json on the embedded photographs; a fifth method is CutMix on half of the batches.",
            new("patchwork compare", "baseline, Cutout, Mixup, CutMix on all and on half of the batches; 3 seeds"),
            new("patchwork compare --methods baseline,cutmix,resizemix --dataset folder --data pictures --seeds 5",
                "three methods on your own pictures"),
            new("patchwork compare recipe.json --evaluate all --limit 500", "a recipe file, then every suite on 500 test images"))
        {
            methods,
            seeds,
            jobs,
            output,
            markdown,
        };
        file.AddTo(command);
        suites.AddTo(command);
        recipe.AddTo(command);
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            // With a recipe, a data set or weights the defaults are those of train: the experiment was tuned without any of them.
            var set = recipe.Given(parsed, "dataset")?.ToLowerInvariant();
            var byDefault = file.Given(parsed) is null && recipe.Given(parsed, "weights") is null
                && (set is null || set == DefaultExperiment.Recipe.Dataset);
            var standard = !byDefault ? file.Read(parsed) ?? new Recipe()
                : recipe.Given(parsed, "optimizer") is null ? DefaultExperiment.Recipe
                : DefaultExperiment.Recipe with { Lr = null };      // it was tuned for the default optimizer
            var chosen = recipe.Over(standard, parsed);
            var all = parsed.GetValue(methods)!.Equals("all", StringComparison.OrdinalIgnoreCase);
            var names = all ? [Methods.Baseline, .. Methods.For(chosen.Model).Select(method => method.Id)]
                : MethodStack.Split(parsed.GetValue(methods)!);
            if (byDefault && parsed.GetResult(methods) is not { Implicit: false }
                && !recipe.Given(parsed).Intersect(DefaultExperiment.DoseFlags).Any())
                names = [.. names, DefaultExperiment.OtherDose];
            var asked = parsed.GetResult(seeds) is { Implicit: false };
            var repetitions = !asked && chosen.Folds is { } folds ? folds : parsed.GetValue(seeds);
            var comparison = new Comparison(chosen, names, repetitions, parsed.GetValue(jobs)) { Collective = ranks.Collective };
            chosen = comparison.Recipe;
            var folder = parsed.GetValue(output) ?? Path.Combine("runs", $"compare-{chosen.Dataset}-{chosen.Model}");
            var evaluation = byDefault ? suites.Over(parsed, DefaultExperiment.Suites, DefaultExperiment.Limit) : suites.Over(parsed);
            evaluation?.Check(chosen);
            var omitted = Methods.All.Select(method => method.Id).Except(names).ToArray();
            if (all && omitted.Length > 0 && !common.Quiet(parsed))
                parsed.Error.WriteLine($"omitted, because {chosen.Model} cannot be trained with them: {string.Join(", ", omitted)}");
            using var interruption = Interruption.Listen();
            common.BreakLocks(parsed, [.. Directory.Exists(folder) ? Directory.GetDirectories(folder) : []]);
            var line = new LiveLine(parsed.Error);
            var result = Train(comparison, chosen, folder, evaluation, line, common.Quiet(parsed), interruption.Token);
            var evaluations = evaluation is null ? null
                : Evaluate(result, evaluation, ranks.Collective, line, common.Quiet(parsed), interruption.Token);
            var report = new ComparisonReport(result, CommandRunner.Line, evaluations);
            report.Write(folder);
            if (common.Json(parsed))
                parsed.Output.WriteLine(report.Json().ToIndented());
            else if (parsed.GetValue(markdown))
                parsed.Output.Write(string.Join("\n", ((ResultTable?[])[report.Table(), evaluations?.Table()]).OfType<ResultTable>()
                    .Select(table => table.ToMarkdown())));
            else
                Print(parsed, report, evaluations, folder);
            return 0;
        });
        return command;
    }

    // A terminal shows a table that fills as runs end, a log one line per run.
    private static ComparisonResult Train(Comparison comparison, Recipe recipe, string folder, EvaluationOptions? evaluation, LiveLine line,
        bool quiet, CancellationToken cancellation)
    {
        void Say(string text)
        {
            if (!quiet)
                line.PrintAbove(text);
        }
        var finished = comparison.Finished(folder).ToHashSet();
        var then = evaluation is null ? "" : $", then {string.Join(" and ", evaluation.Suites.Select(suite => suite.Id))}";
        var table = new RunsTable(comparison.Methods, comparison.RunSeeds, ComparedRun.LabelOf);
        var among = new RunsProgress(line, "training", comparison.Labels, finished, table, quiet)
        {
            Estimate = time => Say($"training will take about {ProgressLine.RoundedTime(time)} on this machine{then}"),
        };
        var heading = new Heading(() => Say($"{string.Join(", ", comparison.Methods)} on {recipe.Dataset}, {recipe.Model}: "
            + $"{comparison.Labels.Count} runs of {recipe.Epochs} {(recipe.Epochs == 1 ? "epoch" : "epochs")}, {comparison.Jobs} at a time"
            + (finished.Count > 0 ? $"; {comparison.Labels.Count - finished.Count} left to train" : "")));
        var progress = comparison.Labels.ToDictionary(label => label, label => new FitProgress(line, label, quiet, among));
        var said = new ConcurrentDictionary<string, bool>();
        void Tell(string label, Notice notice)
        {
            if (!notice.IsOfData && progress.TryGetValue(label, out var run))
                run.Say(notice);
            else if (said.TryAdd(notice.Text, true) && (!quiet || notice.IsWarning))
                line.PrintAbove((notice.IsOfData ? "" : $"{label}: ") + Flags.In(notice.ToString()));
        }
        try
        {
            return comparison.Run(folder, label => [heading, progress[label]], Tell, run =>
            {
                var position = among.Finish(run.Label, 100 * run.Result.Last.Error);
                if (!line.Exists && !finished.Contains(run.Label))
                    Say($"{run.Label}: test error {run.Result.Last.Error.ToString("P2", CultureInfo.InvariantCulture)} ({position})");
            }, cancellation);
        }
        finally
        {
            line.Clear();
        }
    }

    // Prints the heading once, when the first run starts, so that it does not precede an error about the input.
    private sealed class Heading(Action say) : Callback
    {
        private int said;

        public override bool OnFirstRankOnly => true;

        public override void OnTrainStart(TrainingState state)
        {
            if (Interlocked.Exchange(ref said, 1) == 0)
                say();
        }
    }

    private static ComparedEvaluations Evaluate(ComparisonResult result, EvaluationOptions options, ICollective ranks, LiveLine line,
        bool quiet, CancellationToken cancellation)
    {
        var among = result.Jobs == 1 ? null : new RunsProgress(line, "evaluating", result.Runs.Select(run => run.Label), []);
        var progress = result.Runs.ToDictionary(run => run.Label, run => new SuiteProgress(line, run.Label, quiet, among));
        try
        {
            return ComparedEvaluations.Measure(result, options, (label, notice) => progress[label].Say(notice), (label, done) =>
                progress[label].Advance(done), ranks, cancellation);
        }
        finally
        {
            line.Clear();
        }
    }

    private static void Print(ParseResult parsed, ComparisonReport report, ComparedEvaluations? evaluations, string folder)
    {
        parsed.Screen.Write(report.Table());
        if (evaluations is not null)
            parsed.Screen.Write(evaluations.Table());
        foreach (var line in report.Answers().Concat(evaluations?.Answers() ?? []))
            parsed.Output.WriteLine(line);
        parsed.Output.WriteLine($"report: {Path.Combine(folder, "report.html")}");
        parsed.Output.WriteLine();
        parsed.Output.WriteLine(report.Answer);
    }
}
