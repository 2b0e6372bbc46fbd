using System.CommandLine;

namespace Patchwork.Cli.Commands;

/// <summary><c>patchwork</c>: the root of the verbs.</summary>
internal static class PatchworkCommand
{
    public static RootCommand Create(CommandRanks ranks) =>
        new("CutMix and its family: trains image classifiers on mixed samples and measures what that buys.")
        {
            CompareCommand.Create(ranks),
            TrainCommand.Create(ranks),
            EvaluateCommand.Create(ranks),
            PreviewCommand.Create(),
            MixCommand.Create(),
            PlanCommand.Create(),
            MethodsCommand.Create(),
            ModelsCommand.Create(),
            PredictCommand.Create(),
            ExplainCommand.Create(),
            ExportCommand.Create(),
            DataCommand.Create(),
            BenchCommand.Create(),
        };
}
