using System.CommandLine;
using Patchwork.Distributed;
using Patchwork.Runs;

namespace Patchwork.Cli;

/// <summary>
/// The processes that a launcher of MPI started with one command line. Rank 0 carries the verb out as if it were alone; the others take
/// part in what it trains and evaluates, and are silent.
/// </summary>
internal sealed class CommandRanks : IDisposable
{
    private static readonly string[] Verbs = ["train", "compare", "evaluate"];      // those whose work is shared

    private readonly Launcher? launcher = Launcher.Detect();
    private ICollective? collective;

    /// <summary>True where this process is to say something: the only one, or rank 0.</summary>
    public bool Speaks => launcher is null or { Rank: 0 };

    /// <summary>The ranks, once a verb runs.</summary>
    public ICollective Collective => collective ?? throw new InvalidOperationException("The ranks are joined before a verb runs.");

    /// <summary>Carries a verb out on all ranks.</summary>
    /// <exception cref="InputException">The verb is for one process, or the ranks cannot be joined.</exception>
    public int Run(ParseResult parsed, Func<int> verb)
    {
        var command = parsed.CommandResult.Command;
        if (parsed.Action != command.Action)      // a question for help
            return Speaks ? verb() : 0;
        if (launcher is not null && !Verbs.Contains(command.Name))
            throw new InputException($"{command.Name} works in one process. Received: {launcher.Size}, started by {launcher.Name}. Start "
                + $"it without; {string.Join(" and ", Verbs)} work with several.");
        collective = Launcher.Join();
        if (collective.Rank > 0)
        {
            using var interruption = Interruption.Listen();
            Followers.Serve(collective, interruption.Token);
            return 0;
        }
        try
        {
            var exitCode = verb();
            Followers.Dismiss(collective);
            return exitCode;
        }
        catch (Exception failure)
        {
            Followers.Dismiss(collective, failure);
            throw;
        }
    }

    public void Dispose() => collective?.Dispose();
}
