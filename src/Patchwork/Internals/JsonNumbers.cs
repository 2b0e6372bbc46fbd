using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Patchwork.Internals;

/// <summary>
/// Reads and writes numbers in JSON files. JSON has no NaN or infinity: a missing value (0/0, a class without images) is written as
/// <c>null</c>, and <c>null</c> is read back as NaN.
/// </summary>
internal static class JsonNumbers
{
    /// <summary>The number, or null if it is not finite.</summary>
    public static JsonNode? Of(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    /// <summary>An array of such numbers.</summary>
    public static JsonArray Of(IEnumerable<double> values) => new([.. values.Select(Of)]);

    /// <summary>Reads what <see cref="Of(double)"/> wrote.</summary>
    public static double Read(JsonNode? value) => value?.GetValue<double>() ?? double.NaN;

    /// <summary>Writes a property: the number, or null if it is not finite.</summary>
    public static void WriteFinite(this Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
            json.WriteNumber(name, value);
        else
            json.WriteNull(name);
    }
}

/// <summary>The same conversion for the JSON serializer.</summary>
internal sealed class FiniteOrNull : JsonConverter<double>
{
    public override bool HandleNull => true;

    public override double Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Null ? double.NaN : reader.GetDouble();

    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
    {
        if (double.IsFinite(value))
            writer.WriteNumberValue(value);
        else
            writer.WriteNullValue();
    }
}
