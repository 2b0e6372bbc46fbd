using Spectre.Console;

namespace Patchwork.Cli.Terminal;

/// <summary>
/// The last line of standard error, which is drawn again and again on a terminal and does not exist in a log. Threads may share it.
/// </summary>
/// <param name="error">Standard error.</param>
internal sealed class LiveLine(TextWriter error)
{
    private readonly Lock gate = new();
    private readonly IAnsiConsole screen = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });

    /// <summary>Whether it is drawn. Default: on a terminal.</summary>
    public bool Exists { get; init; } = error == Console.Error && !Console.IsErrorRedirected
        && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");

    /// <summary>Characters that it may have: in the last column of a terminal a line may already wrap.</summary>
    public int Width => screen.Profile.Width - 1;

    /// <summary>Draws it over what it was.</summary>
    public void Draw(ProgressLine line)
    {
        lock (gate)
        {
            Clear();
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

    /// <summary>Takes it away.</summary>
    public void Clear()
    {
        if (!Exists)
            return;
        lock (gate)
            error.Write("\r\e[2K");
    }
}
