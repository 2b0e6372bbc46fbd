using System.Text.Json;
using System.Text.Json.Nodes;

namespace Patchwork.Internals;

/// <summary>
/// Reads what a JSON file must contain. Dereferencing a missing node and catching the exception is no substitute: on a thread that has
/// computed with AMX, the runtime cannot turn the processor's fault into a <see cref="NullReferenceException"/>, and the process dies.
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
