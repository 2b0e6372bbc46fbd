using Patchwork.Imaging;

namespace Patchwork;

/// <summary>
/// Thrown for input that cannot be used, before any work starts. The message is one sentence for the user: what was received, what was
/// expected and what to do. The command line prints it on standard error and exits with code 2.
/// </summary>
public sealed class InputException : Exception
{
    /// <summary>Creates the exception with one readable sentence.</summary>
    public InputException(string message) : base(message) { }

    /// <summary>
    /// Creates the exception with one readable sentence; <paramref name="cause"/> is shown only with <c>--verbose</c>.
    /// </summary>
    public InputException(string message, Exception? cause) : base(message, cause) { }

    /// <summary>The message of an option that rejects a value, without the parameter's name that .NET appends.</summary>
    internal static string Reason(ArgumentException error) => error.Message.Split(" (Parameter '")[0];

    /// <summary>Creates the exception for an unknown name, which suggests the nearest known one.</summary>
    public static InputException Unknown(string what, string given, IReadOnlyCollection<string> known) =>
        new($"Unknown {what} '{given}'.{(Nearest.Name(given, known) is { } near ? $" Did you mean '{near}'?" : "")} "
            + $"Known: {string.Join(", ", known)}.");
}
