using System.Text.Json;

namespace Patchwork.Tests.Support;

/// <summary>Recorded numbers of public reference code, from <c>Parity/vectors</c>.</summary>
internal static class Vectors
{
    /// <summary>One file of numbers. The caller disposes it.</summary>
    public static JsonDocument Open(string file) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Parity", "vectors", file)));

    /// <summary>An array of numbers, nested or not, row-major.</summary>
    public static double[] Numbers(this JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? [.. element.EnumerateArray().SelectMany(Numbers)] : [element.GetDouble()];
}
