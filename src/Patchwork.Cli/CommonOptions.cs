using System.CommandLine;
using Patchwork.Cli.Terminal;
using Patchwork.Runs;

namespace Patchwork.Cli;

/// <summary>Flags that every verb has: about what is printed, and the threads. Those that train have the threads in their recipe.</summary>
/// <param name="threads">What the verb's <c>--threads</c> means; null where a recipe has it.</param>
/// <param name="worksInRuns">True for verbs that write into run folders, one process at a time.</param>
internal sealed class CommonOptions(string? threads = "torch threads (default: all cores)", bool worksInRuns = false)
{
    private readonly Option<bool> breakLock = new("--break-lock")
    {
        Description = "take a run folder over from a process of another machine that has ended",
    };
    private readonly Option<bool> json = new("--json") { Description = "print one JSON document on standard output and nothing else" };
    private readonly Option<bool> quiet = new("--quiet") { Description = "no progress, only warnings" };
    private readonly Option<bool> verbose = new("--verbose") { Description = "stack trace on errors" };
    private readonly Option<int?> number = WholeOption.Optional("--threads", threads ?? "", 1, 1024);

    public bool Json(ParseResult parsed) => parsed.GetValue(json);

    public bool Quiet(ParseResult parsed) => parsed.GetValue(quiet);

    /// <summary>The threads that were asked for, or null.</summary>
    public int? Threads(ParseResult parsed) => parsed.GetValue(number);

    /// <summary>Loads torch and gives it the threads that were asked for.</summary>
    public void PrepareTorch(ParseResult parsed)
    {
        NativeLibraries.Ensure();
        if (Threads(parsed) is { } given)
            TorchSharp.torch.set_num_threads(given);
    }

    /// <summary>Breaks the locks of run folders where that was asked for.</summary>
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
