using Patchwork.Imaging;

namespace Patchwork;

/// <summary>
/// Input that cannot be worked with, refused before work began. The message is one sentence for the person who typed it: what came, what
/// was expected, what to do. The command line prints it on standard error and exits with 2.
/// </summary>
public sealed class InputException : Exception
{
    /// <summary>Refuses an input with one readable sentence.</summary>
    public InputException(string message) : base(message) { }

    /// <summary>Refuses an input with one readable sentence; <paramref name="cause"/> is shown only with <c>--verbose</c>.</summary>
    public InputException(string message, Exception? cause) : base(message, cause) { }

    /// <summary>What an option says about a value that it refuses, without the parameter's name that .NET adds.</summary>
    internal static string Reason(ArgumentException error) => error.Message.Split(" (Parameter '")[0];

    /// <summary>Refuses a name that is not known, and offers the nearest one that is.</summary>
    public static InputException Unknown(string what, string given, IReadOnlyCollection<string> known) =>
        new($"Unknown {what} '{given}'.{(Nearest.Name(given, known) is { } near ? $" Did you mean '{near}'?" : "")} "
            + $"Known: {string.Join(", ", known)}.");
}
