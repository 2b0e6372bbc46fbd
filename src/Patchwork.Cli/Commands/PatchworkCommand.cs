using System.CommandLine;
using System.CommandLine.Help;

namespace Patchwork.Cli.Commands;

/// <summary><c>patchwork</c>: the root command, with all verbs.</summary>
internal static class PatchworkCommand
{
    public static RootCommand Create(CommandRanks ranks)
    {
        var root = new RootCommand("CutMix and its family: trains image classifiers on mixed images and measures the effect.")
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
        root.Options.OfType<HelpOption>().Single().Action = new HelpPage();
        return root;
    }
}
