using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Patchwork.Mixing;

/// <summary>
/// Converts options of methods to and from JSON: <c>{"level": "pixel", "cutout.length": 8, "sideRange": [0.1, 0.8]}</c>. In memory the
/// values are texts: <c>8</c>, <c>0.1,0.8</c>.
/// </summary>
internal sealed partial class OptionTexts : JsonConverter<IReadOnlyDictionary<string, string>>
{
    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("Options must be an object of names and values.");
        var texts = new Dictionary<string, string>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (!texts.TryAdd(name, reader.TokenType == JsonTokenType.StartArray ? List(ref reader) : Text(ref reader)))
                throw new JsonException($"An option can be given only once. Received: {name} twice.");
        }
        return texts;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, IReadOnlyDictionary<string, string> value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach (var (name, text) in value)
        {
            writer.WritePropertyName(name);
            if (Bare().IsMatch(text))
                writer.WriteRawValue(text);
            else
                writer.WriteStringValue(text);
        }
        writer.WriteEndObject();
    }

    private static string List(ref Utf8JsonReader reader)
    {
        var parts = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            parts.Add(Text(ref reader));
        return string.Join(',', parts);
    }

    private static string Text(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.String => reader.GetString()!,
        JsonTokenType.Null => "none",
        JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False =>
            Encoding.UTF8.GetString(reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan),
        _ => throw new JsonException("The value of an option must be a word, a number, true, false, or a list of these."),
    };

    // A number, true or false as JSON defines them; these are written without quotes.
    [GeneratedRegex(@"\A(?:true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\z")]
    private static partial Regex Bare();
}
