using System.CommandLine;
using Spectre.Console;

namespace Patchwork.Cli.Terminal;

/// <summary>
/// Where a command writes. Commands never touch <see cref="Console"/>, so several can run in one process, each with writers of its own.
/// </summary>
internal static class Streams
{
    extension(ParseResult parsed)
    {
        /// <summary>Standard output: results.</summary>
        public TextWriter Output => parsed.InvocationConfiguration.Output;

        /// <summary>Standard error: progress and warnings.</summary>
        public TextWriter Error => parsed.InvocationConfiguration.Error;

        /// <summary>Standard output for tables and markup, with colors where it is a terminal.</summary>
        public IAnsiConsole Screen => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(parsed.Output) });
    }
}
