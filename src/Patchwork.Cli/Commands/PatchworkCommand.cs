using System.CommandLine;
using System.CommandLine.Help;

namespace Patchwork.Cli.Commands;

/// <summary><c>patchwork</c>: the root command, with all verbs.</summary>
internal static class PatchworkCommand
{
    public static RootCommand Create(CommandRanks ranks)
    {
        var root = new RootCommand("Trains image classifiers with CutMix and related methods, and measures what each method gains.")
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
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpPage();
        help.Description = "show this help";
        root.Options.OfType<VersionOption>().Single().Description = "show the version";
        return root;
    }
}
