using Spectre.Console;

namespace Patchwork.Cli.Terminal;

/// <summary>The last line of standard error, which is drawn again and again on a terminal and does not exist in a log. Threads may share it.</summary>
internal static class LiveLine
{
    private static readonly Lock Gate = new();
    private static readonly IAnsiConsole Screen = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    /// <summary>True on a terminal.</summary>
    public static bool Exists { get; } = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");

    /// <summary>Characters that it may have: in the last column of a terminal a line may already wrap.</summary>
    public static int Width => Screen.Profile.Width - 1;

    /// <summary>Draws it over what it was.</summary>
    public static void Draw(ProgressLine line)
    {
        lock (Gate)
        {
            Clear();
            Screen.Markup($"[bold]{Markup.Escape(line.Label)}[/]{Markup.Escape(line.Position)}[green]{line.Done}[/][grey]{line.Rest}[/]{Markup.Escape(line.Tail)}");
        }
    }

    /// <summary>Prints a line that stays, above it.</summary>
    public static void PrintAbove(string line)
    {
        lock (Gate)
        {
            Clear();
            Console.Error.WriteLine(line);
        }
    }

    /// <summary>Takes it away.</summary>
    public static void Clear()
    {
        if (!Exists)
            return;
        lock (Gate)
            Console.Error.Write("\r\e[2K");
    }
}
