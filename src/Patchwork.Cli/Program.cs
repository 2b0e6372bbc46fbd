using System.CommandLine;
using Patchwork.Cli;
using Patchwork.Cli.Commands;

var root = new RootCommand("CutMix and its family: trains image classifiers on mixed samples and measures what that buys.")
{
    TrainCommand.Create(),
    PlanCommand.Create(),
    MethodsCommand.Create(),
};
return CommandRunner.Run(root, args);
