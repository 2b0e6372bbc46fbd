using System.CommandLine;
using System.Globalization;
using Patchwork.Cli.Terminal;
using Patchwork.Comparisons;
using Patchwork.Recipes;
using Patchwork.Runs;

namespace Patchwork.Cli.Commands;

/// <summary><c>train</c>: starts or resumes one run.</summary>
internal static class TrainCommand
{
    public static Command Create(CommandRanks ranks)
    {
        var file = new RecipeFile();
        var output = new Option<string?>("--out") { Description = "run folder (default runs/METHOD-DATASET-MODEL-SEED)", HelpName = "DIR" };
        var resume = new Option<bool>("--resume") { Description = "resume the run in --out; needs no other flag" };
        var common = new CommonOptions(threads: null, worksInRuns: true);
        var recipe = new RecipeOptions().Data().Mixing().Training();
        var command = new Verb("train", "Trains one network and writes a run folder.",
            new("patchwork train --method cutmix", "CutMix on the embedded photographs"),
            new("patchwork train --dataset folder --data pictures --image-size 64 --out runs/mine",
                "your own pictures, in one sub-folder per class"),
            new("patchwork train --dataset cifar10 --data DIR --model resnet20 --method cutmix+cutout --epochs 30",
                "two methods together on CIFAR-10"),
            new("patchwork train --resume --out runs/mine", "resumes a run that was stopped")) { output, resume };
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
                    ?? throw new InputException("--resume needs the run's folder. Received: no --out. Add --out RUN.");
                if (recipe.Given(parsed).FirstOrDefault() is { } flag || (flag = file.Given(parsed)) is not null)
                    throw new InputException($"--resume uses the recipe stored in {folder}. "
                        + $"Received: also {flag}. Omit it, or start a new run.");
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

    // The report of a finished run is kept: it may contain an evaluation.
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
