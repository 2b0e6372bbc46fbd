using System.CommandLine;
using Spectre.Console;

namespace Patchwork.Cli.Terminal;

/// <summary>
/// The output streams of a command. Commands never use <see cref="Console"/>, so several can run in one process with separate writers.
/// </summary>
internal static class Streams
{
    extension(ParseResult parsed)
    {
        /// <summary>Standard output: results.</summary>
        public TextWriter Output => parsed.InvocationConfiguration.Output;

        /// <summary>Standard error: progress and warnings.</summary>
        public TextWriter Error => parsed.InvocationConfiguration.Error;

        /// <summary>Standard output for tables and markup, in color on a terminal.</summary>
        public IAnsiConsole Screen => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(parsed.Output) });
    }
}
