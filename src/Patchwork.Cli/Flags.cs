using System.Text.RegularExpressions;

namespace Patchwork.Cli;

/// <summary>Translates the properties and calls in library messages, marked by backticks, into flags and commands.</summary>
internal static partial class Flags
{
    /// <summary>
    /// Translates a message: <c>`ImageSize`</c> becomes <c>--image-size</c>, and <c>`TrainingRun.Resume("RUN")`</c> becomes
    /// <c>train --resume --out RUN</c>.
    /// </summary>
    public static string In(string message) =>
        Property().Replace(Resume().Replace(SuiteOptions.InFlags(message), "train --resume --out ${run}"), match =>
            Of(match.Groups["name"].Value));

    /// <summary>The flag of a property.</summary>
    public static string Of(string property) =>
        "--" + string.Join('-', Word().Matches(property).Select(word => word.Value.ToLowerInvariant()));

    [GeneratedRegex(@"`TrainingRun\.Resume\(""(?<run>[^""]*)""\)`")]
    private static partial Regex Resume();

    [GeneratedRegex("`(?<name>[A-Z][A-Za-z]*)`")]
    private static partial Regex Property();

    [GeneratedRegex("[A-Z][a-z]*")]
    private static partial Regex Word();
}
