using System.CommandLine;
using Patchwork.Cli;
using Patchwork.Cli.Commands;

NativeMemory.Keep();
var root = new RootCommand("CutMix and its family: trains image classifiers on mixed samples and measures what that buys.")
{
    CompareCommand.Create(),
    TrainCommand.Create(),
    EvaluateCommand.Create(),
    PreviewCommand.Create(),
    MixCommand.Create(),
    PlanCommand.Create(),
    MethodsCommand.Create(),
    PredictCommand.Create(),
    ExplainCommand.Create(),
    DataCommand.Create(),
    BenchCommand.Create(),
};
return CommandRunner.Run(root, args);
