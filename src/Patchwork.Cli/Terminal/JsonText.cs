using System.Text.Json;
using System.Text.Json.Nodes;

namespace Patchwork.Cli.Terminal;

/// <summary>The JSON output of the verbs.</summary>
internal static class JsonText
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n" };

    /// <summary>Indented text with the same line endings on every system.</summary>
    public static string ToIndented(this JsonNode json) => json.ToJsonString(Indented);
}
