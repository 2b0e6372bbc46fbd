using System.CommandLine;
using Patchwork.Distributed;
using Patchwork.Runs;

namespace Patchwork.Cli;

/// <summary>
/// The processes that an MPI launcher started with one command line. Rank 0 runs the verb as a single process would; the others join in
/// its trainings and evaluations and print nothing.
/// </summary>
internal sealed class CommandRanks : IDisposable
{
    private static readonly string[] Verbs = ["train", "compare", "evaluate"];      // their work is shared

    private readonly Launcher? launcher = Launcher.Detect();
    private ICollective? collective;

    /// <summary>Whether this process prints: it is the only one, or rank 0.</summary>
    public bool Speaks => launcher is null or { Rank: 0 };

    /// <summary>The ranks; available while a verb runs.</summary>
    public ICollective Collective => collective ?? throw new InvalidOperationException("The ranks are joined before a verb runs.");

    /// <summary>Runs a verb on all ranks.</summary>
    /// <exception cref="InputException">The verb runs in one process only, or the ranks cannot be joined.</exception>
    public int Run(ParseResult parsed, Func<int> verb)
    {
        var command = parsed.CommandResult.Command;
        if (parsed.Action != command.Action)      // a request for help
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
