using System.Text.Json;

namespace Patchwork.Internals;

/// <summary>JSON for people: indented, with the same line ends on every system, so that files can be compared.</summary>
internal static class IndentedJson
{
    public static JsonSerializerOptions Options { get; } = new() { WriteIndented = true, NewLine = "\n" };
}
