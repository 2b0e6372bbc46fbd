using System.CommandLine;
using System.Globalization;
using Patchwork.Cli.Terminal;
using Patchwork.Comparisons;
using Patchwork.Recipes;
using Patchwork.Runs;

namespace Patchwork.Cli.Commands;

/// <summary><c>train</c>: one run in a run folder, new or resumed.</summary>
internal static class TrainCommand
{
    public static Command Create(CommandRanks ranks)
    {
        var file = new RecipeFile();
        var output = new Option<string?>("--out") { Description = "run folder (default runs/METHOD-DATASET-MODEL-SEED)" };
        var resume = new Option<bool>("--resume") { Description = "continue the run in --out; needs no other option" };
        var common = new CommonOptions(threads: null, worksInRuns: true);
        var recipe = new RecipeOptions().Data().Mixing().Training();
        var command = new Command("train", "Trains one network in a run folder.") { output, resume };
        file.AddTo(command);
        recipe.AddTo(command);
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            var progress = new FitProgress(new LiveLine(parsed.Error), "train", common.Quiet(parsed));
            using var interruption = Interruption.Listen();
            RunResult result;
            string folder;
            if (parsed.GetValue(resume))
            {
                folder = parsed.GetValue(output)
                    ?? throw new InputException("--resume needs the run's folder. Received: no --out. Name it by --out RUN.");
                if (recipe.Given(parsed).FirstOrDefault() is { } flag || (flag = file.Given(parsed)) is not null)
                    throw new InputException($"--resume goes on with the recipe that is stored in {folder}. "
                        + $"Received: {flag} beside it. Omit it, or start a new run.");
                common.BreakLocks(parsed, folder);
                result = TrainingRun.Resume(folder, [progress], progress.Say, ranks.Collective, interruption.Token);
            }
            else
            {
                var chosen = recipe.Over(file.Read(parsed) ?? new Recipe(), parsed);
                folder = parsed.GetValue(output) ?? Path.Combine("runs",
                    RunFolder.NameOf(chosen.Method, chosen.Dataset, chosen.Model, $"{chosen.Seed}"));
                result = TrainingRun.Start(chosen, folder, [progress], progress.Say, ranks.Collective, interruption.Token);
            }
            WriteReport(folder);
            parsed.Output.WriteLine(common.Json(parsed) ? result.ToJson() : Describe(result, folder));
            return 0;
        });
        return command;
    }

    // Resuming a finished run leaves the report alone: it may hold an evaluation.
    private static void WriteReport(string folder)
    {
        if (!File.Exists(Path.Combine(folder, "report.html")))
            new ComparisonReport(ComparisonResult.Of(RunFolder.Open(folder)), CommandRunner.Line, null).WritePage(folder);
    }

    private static string Describe(RunResult result, string folder)
    {
        var best = result.BestTestEpoch ? "best test epoch" : "best validation epoch";
        return string.Create(CultureInfo.InvariantCulture,
            $"test error {result.Last.Error:P2} after the last epoch ({result.Last.Epoch}), {result.Best.Error:P2} at the "
                + $"{best} ({result.Best.Epoch})\nrun: {folder}");
    }
}
