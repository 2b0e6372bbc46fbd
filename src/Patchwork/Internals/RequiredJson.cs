using System.Text.Json;
using System.Text.Json.Nodes;

namespace Patchwork.Internals;

/// <summary>
/// Reads what a JSON file must contain, so that a missing value is an error that names it and not a
/// <see cref="NullReferenceException"/>.
/// </summary>
internal static class RequiredJson
{
    /// <summary>The node itself.</summary>
    /// <exception cref="JsonException">It is missing, or <c>null</c>.</exception>
    public static JsonNode Required(this JsonNode? node) => node ?? throw new JsonException("a value is missing");

    /// <summary>A property of an object.</summary>
    /// <exception cref="JsonException">It is missing, or <c>null</c>.</exception>
    /// <exception cref="InvalidOperationException">The node is not an object.</exception>
    public static JsonNode Required(this JsonNode? node, string key) =>
        node.Required()[key] ?? throw new JsonException($"{key} is missing");
}
