using System.Text.Json;

namespace Patchwork.Internals;

/// <summary>
/// Options for JSON that people read: indented, with the same line endings on every system, so that files can be compared.
/// </summary>
internal static class IndentedJson
{
    public static JsonSerializerOptions Options { get; } = new() { WriteIndented = true, NewLine = "\n" };
}
