using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Patchwork.Internals;

/// <summary>
/// Numbers in JSON files. JSON has none that are not finite: an absent value (0/0, no image of a class) is <c>null</c> there, and
/// <c>null</c> is read back as NaN.
/// </summary>
internal static class JsonNumbers
{
    /// <summary>The number, or null where it is not finite.</summary>
    public static JsonNode? Of(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    /// <summary>Several of them.</summary>
    public static JsonArray Of(IEnumerable<double> values) => new([.. values.Select(Of)]);

    /// <summary>Reads what <see cref="Of(double)"/> wrote.</summary>
    public static double Read(JsonNode? value) => value?.GetValue<double>() ?? double.NaN;

    /// <summary>Writes a property.</summary>
    public static void WriteFinite(this Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
            json.WriteNumber(name, value);
        else
            json.WriteNull(name);
    }
}

/// <summary>The same for the serializer.</summary>
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
