using System.CommandLine;
using Patchwork.Cli.Terminal;
using Patchwork.Runs;

namespace Patchwork.Cli;

/// <summary>The flags of every verb: output and threads.</summary>
/// <param name="threads">The description of <c>--threads</c>; null for verbs that train, where it is a recipe key.</param>
/// <param name="worksInRuns">True for verbs that write into run folders, one process at a time.</param>
internal sealed class CommonOptions(string? threads = "torch threads (default: all cores)", bool worksInRuns = false)
{
    private readonly Option<bool> breakLock = new("--break-lock")
    {
        Description = "take over a run folder whose lock was left behind by a process on another machine",
    };
    private readonly Option<bool> json = new("--json") { Description = "print one JSON document on standard output, nothing else" };
    private readonly Option<bool> quiet = new("--quiet") { Description = "print warnings only, no progress" };
    private readonly Option<bool> verbose = new("--verbose") { Description = "print a stack trace on errors" };
    private readonly Option<int?> number = WholeOption.Optional("--threads", threads ?? "", 1, 1024);

    public bool Json(ParseResult parsed) => parsed.GetValue(json);

    public bool Quiet(ParseResult parsed) => parsed.GetValue(quiet);

    /// <summary>The value of <c>--threads</c>; null if not given.</summary>
    public int? Threads(ParseResult parsed) => parsed.GetValue(number);

    /// <summary>Loads torch and sets its number of threads.</summary>
    public void PrepareTorch(ParseResult parsed)
    {
        NativeLibraries.Ensure();
        if (Threads(parsed) is { } given)
            TorchSharp.torch.set_num_threads(given);
    }

    /// <summary>Breaks the locks of run folders if <c>--break-lock</c> was given.</summary>
    public void BreakLocks(ParseResult parsed, params string[] folders)
    {
        if (parsed.GetValue(breakLock))
            Array.ForEach(folders, RunFolder.BreakLock);
    }

    public void AddTo(Command command)
    {
        command.Options.Add(json);
        command.Options.Add(quiet);
        command.Options.Add(verbose);
        if (threads is not null)
            command.Options.Add(number);
        if (worksInRuns)
            command.Options.Add(breakLock);
    }
}
