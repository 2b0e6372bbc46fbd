using System.CommandLine;
using Patchwork.Cli.Commands;

namespace Patchwork.Cli;

/// <summary>
/// Runs a command line and returns its exit code: 0 success, 2 rejected before work began, 1 failed during work, 130 cancelled by Ctrl+C,
/// 143 by SIGTERM, 129 by SIGHUP. An error is one sentence on standard error, with a stack trace only if <c>--verbose</c> is given.
/// </summary>
internal static class CommandRunner
{
    /// <summary>Runs one command line and writes to the given writers instead of the console.</summary>
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        using var ranks = new CommandRanks();
        var root = PatchworkCommand.Create(ranks);
        var parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
        if (parsed.Errors.Count > 0 || UnknownFlag(parsed) is not null)
        {
            if (ranks.Speaks)
                error.WriteLine($"patchwork: {Refusal(root, parsed)}");
            return 2;
        }
        try
        {
            return ranks.Run(parsed, () => parsed.Invoke(new InvocationConfiguration
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            }));
        }
        catch (Exception exception)
        {
            return Report(exception, parsed.CommandResult.Command, ranks.Speaks ? error : TextWriter.Null,
                verbose: args.Contains("--verbose"));
        }
    }

    private static string Refusal(RootCommand root, ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        if (command == root && parsed.UnmatchedTokens is [var verb, ..])
            return InputException.Unknown("verb", verb, [.. root.Subcommands.Select(known => known.Name)]).Message;
        if (UnknownFlag(parsed) is { } flag)
            return InputException.Unknown("option", flag, [.. command.Options.Select(known => known.Name)]).Message;
        return $"{string.Join(" ", parsed.Errors.Select(error => error.Message.TrimEnd('.') + "."))} See patchwork "
            + $"{(command == root ? "" : command.Name + " ")}--help.";
    }

    // To the parser a mistyped flag is an argument, if the verb has any.
    private static string? UnknownFlag(ParseResult parsed) =>
        parsed.CommandResult.Children.OfType<System.CommandLine.Parsing.ArgumentResult>().SelectMany(argument => argument.Tokens)
            .Select(token => token.Value)
            .Concat(parsed.UnmatchedTokens)
            .FirstOrDefault(token => token.StartsWith("--", StringComparison.Ordinal));

    private static int Report(Exception exception, Command verb, TextWriter error, bool verbose)
    {
        if (exception is OperationCanceledException)
        {
            error.WriteLine($"patchwork: cancelled; {AfterCancelling(verb)}.");
            return Interruption.ExitCode;
        }
        error.WriteLine($"patchwork: {Flags.In(exception.Message)}");
        if (verbose)
            error.WriteLine(exception);
        return exception is InputException ? 2 : 1;
    }

    private static string AfterCancelling(Command verb) => verb.Name switch
    {
        "mix" => "nothing was written",
        "get" => "what has been downloaded is kept, and the same command continues",
        _ => "the run can be resumed",
    };

    /// <summary>The command line of this process, for the report.</summary>
    public static string Line => $"patchwork {string.Join(' ', Environment.GetCommandLineArgs()[1..])}";
}
