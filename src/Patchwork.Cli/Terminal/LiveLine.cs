using Spectre.Console;

namespace Patchwork.Cli.Terminal;

/// <summary>
/// The last line of standard error, with an optional table above it. It is redrawn on a terminal and absent from a log. Thread-safe.
/// </summary>
/// <param name="error">Standard error.</param>
internal sealed class LiveLine(TextWriter error)
{
    private readonly Lock gate = new();
    private int above;      // number of lines
    private readonly IAnsiConsole screen = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });

    /// <summary>Whether the line is drawn. Default: true on a terminal.</summary>
    public bool Exists { get; init; } = error == Console.Error && !Console.IsErrorRedirected
        && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");

    /// <summary>The maximum number of characters; one less than the terminal has, whose last column may already wrap.</summary>
    public int Width => screen.Profile.Width - 1;

    /// <summary>Redraws the line and the table.</summary>
    /// <param name="line">The last line.</param>
    /// <param name="table">
    /// The lines above it, a heading first, each of at most <see cref="Width"/> characters; not drawn if the terminal is too short.
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

    /// <summary>Prints a permanent line above it.</summary>
    public void PrintAbove(string line)
    {
        lock (gate)
        {
            Clear();
            error.WriteLine(line);
        }
    }

    /// <summary>Erases the line and the table.</summary>
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
