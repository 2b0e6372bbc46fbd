using System.Text.Json;

namespace Patchwork.Tests.Support;

/// <summary>Recorded results of public reference code, from <c>Parity/vectors</c>.</summary>
internal static class Vectors
{
    /// <summary>Opens a file of recorded results. The caller disposes it.</summary>
    public static JsonDocument Open(string file) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Parity", "vectors", file)));

    /// <summary>Reads an array of numbers, nested or not, in row-major order.</summary>
    public static double[] Numbers(this JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? [.. element.EnumerateArray().SelectMany(Numbers)] : [element.GetDouble()];
}
