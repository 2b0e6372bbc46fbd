using Spectre.Console;

namespace Patchwork.Cli.Terminal;

/// <summary>
/// The last line of standard error, and a table above it, which are drawn again and again on a terminal and do not exist in a log. Threads
/// may share it.
/// </summary>
/// <param name="error">Standard error.</param>
internal sealed class LiveLine(TextWriter error)
{
    private readonly Lock gate = new();
    private int above;      // lines
    private readonly IAnsiConsole screen = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });

    /// <summary>Whether it is drawn. Default: on a terminal.</summary>
    public bool Exists { get; init; } = error == Console.Error && !Console.IsErrorRedirected
        && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");

    /// <summary>Characters that it may have: in the last column of a terminal a line may already wrap.</summary>
    public int Width => screen.Profile.Width - 1;

    /// <summary>Draws it over what it was.</summary>
    /// <param name="line">The last line.</param>
    /// <param name="table">
    /// Lines above it, the first of them a heading, each of at most <see cref="Width"/> characters; none where the terminal is too short.
    /// </param>
    public void Draw(ProgressLine line, params IReadOnlyList<string> table)
    {
        lock (gate)
        {
            Clear();
            above = table.Count + 1 < screen.Profile.Height ? table.Count : 0;
            foreach (var (row, i) in table.Take(above).Select((row, i) => (row, i)))
                screen.MarkupLine(i == 0 ? $"[grey]{Markup.Escape(row)}[/]" : Markup.Escape(row));
            var (label, position, tail) = (Markup.Escape(line.Label), Markup.Escape(line.Position), Markup.Escape(line.Tail));
            screen.Markup($"[bold]{label}[/]{position}[green]{line.Done}[/][grey]{line.Rest}[/]{tail}");
        }
    }

    /// <summary>Prints a line that stays, above it.</summary>
    public void PrintAbove(string line)
    {
        lock (gate)
        {
            Clear();
            error.WriteLine(line);
        }
    }

    /// <summary>Erases it.</summary>
    public void Clear()
    {
        if (!Exists)
            return;
        lock (gate)
        {
            error.Write("\r\e[2K");
            for (; above > 0; above--)
                error.Write("\e[1A\e[2K");
        }
    }
}
