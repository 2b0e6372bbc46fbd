using System.Text.RegularExpressions;
using Patchwork.Imaging;

namespace Patchwork;

/// <summary>
/// Thrown for input that cannot be used, before any work starts. The message is one sentence for the user: what was received, what was
/// expected and what to do. The command line prints it on standard error and exits with code 2.
/// </summary>
public sealed partial class InputException : Exception
{
    /// <summary>Creates the exception with one readable sentence.</summary>
    public InputException(string message) : base(message) { }

    /// <summary>
    /// Creates the exception with one readable sentence; <paramref name="cause"/> is shown only with <c>--verbose</c>.
    /// </summary>
    public InputException(string message, Exception? cause) : base(message, cause) { }

    /// <summary>The message of an option that rejects a value, without the parameter's name that .NET appends.</summary>
    internal static string Reason(ArgumentException error) => error.Message.Split(" (Parameter '")[0];

    /// <summary>The same for messages that name the value that was received before the reason.</summary>
    internal static string ReasonAlone(ArgumentException error) => Received().Replace(Reason(error), "");

    /// <summary>
    /// Creates the exception for an unknown name. The message suggests the nearest known name and lists all of them, unless the list is too
    /// long to read.
    /// </summary>
    public static InputException Unknown(string what, string given, IReadOnlyCollection<string> known)
    {
        const int readable = 25;      // a longer list would hide the suggestion
        var near = Nearest.Name(given, known);
        return new($"Unknown {what} '{given}'.{(near is null ? "" : $" Did you mean '{near}'?")}"
            + (near is not null && known.Count > readable ? "" : $" Known: {string.Join(", ", known)}."));
    }

    [GeneratedRegex(@" Received: .*?\.(?= [A-Z]|$)")]
    private static partial Regex Received();
}
