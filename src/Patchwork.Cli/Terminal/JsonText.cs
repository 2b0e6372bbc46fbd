using System.Text.Json;
using System.Text.Json.Nodes;

namespace Patchwork.Cli.Terminal;

/// <summary>JSON as the verbs print it.</summary>
internal static class JsonText
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n" };

    /// <summary>Indented, with the same line ends on every system.</summary>
    public static string ToIndented(this JsonNode json) => json.ToJsonString(Indented);
}
