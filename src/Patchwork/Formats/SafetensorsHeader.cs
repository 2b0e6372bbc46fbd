using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using static TorchSharp.torch;

namespace Patchwork.Formats;

/// <summary>
/// The JSON header of a safetensors file: written for given tensors, or read with every claim checked against the file's length.
/// </summary>
internal static class SafetensorsHeader
{
    /// <summary>The format's own bound on the header, in bytes.</summary>
    private const long LongestHeader = 100_000_000;

    /// <summary>One tensor: its values are the bytes <c>Begin..End</c> after the header.</summary>
    internal sealed record Entry(string Name, SafetensorsType Type, long[] Shape, long Begin, long End);

    /// <summary>
    /// The header of tensors that follow one another in the given order, padded with spaces to a multiple of eight bytes.
    /// </summary>
    internal static byte[] Encode(IReadOnlyList<(string Name, Tensor Tensor)> tensors)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            long begin = 0;
            string? previous = null;
            foreach (var (name, tensor) in tensors)
            {
                if (name == "__metadata__" || name == previous)
                    throw new ArgumentException($"Each tensor needs a name of its own other than __metadata__. "
                        + $"Received: {name}.", nameof(tensors));
                var type = SafetensorsType.All.FirstOrDefault(type => type.Type == tensor.dtype) ?? throw new ArgumentException(
                    $"safetensors has no type for {tensor.dtype}, the type of {name}. Convert it first.", nameof(tensors));
                var end = begin + tensor.numel() * type.Bits / 8;
                json.WriteStartObject(name);
                json.WriteString("dtype", type.Name);
                json.WriteStartArray("shape");
                foreach (var size in tensor.shape) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(begin);
                json.WriteNumberValue(end);
                json.WriteEndArray();
                json.WriteEndObject();
                (begin, previous) = (end, name);
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }

    /// <summary>
    /// Reads the header and leaves <paramref name="stream"/> at the first value. Entries are returned in the order of their bytes, without
    /// gaps.
    /// </summary>
    internal static IReadOnlyList<Entry> Read(Stream stream, string path)
    {
        InvalidDataException Damaged(string what) => new($"{path} is not a valid safetensors file: {what}. Save or download it again.");

        if (stream.Length < sizeof(ulong)) throw Damaged($"it has {stream.Length} bytes, but the header length alone takes 8");
        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        stream.ReadExactly(prefix);
        var claimed = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        var rest = stream.Length - sizeof(ulong);
        if (claimed > (ulong)Math.Min(rest, LongestHeader))
            throw Damaged($"the header claims {claimed} bytes, but {rest} follow (at most {LongestHeader} are allowed)");
        var header = new byte[claimed];
        stream.ReadExactly(header);
        if (header.Length == 0 || header[0] != '{') throw Damaged("the header does not start with '{'");

        var entries = Parse(header, Damaged);
        entries.Sort((left, right) => left.Begin != right.Begin ? left.Begin.CompareTo(right.Begin) : left.End.CompareTo(right.End));
        long position = 0;
        foreach (var entry in entries)
        {
            if (entry.Begin != position)
                throw Damaged($"{entry.Name} starts at byte {entry.Begin} where {position} was expected (a gap or an overlap)");
            position = entry.End;
        }
        if (position != rest - header.Length)
            throw Damaged($"its tensors take {position} bytes, but {rest - header.Length} follow the header");
        return entries;
    }

    private static List<Entry> Parse(byte[] header, Func<string, InvalidDataException> damaged)
    {
        try
        {
            // Utf8JsonReader would silently replace invalid UTF-8 in a name; this rejects it.
            _ = new UTF8Encoding(false, throwOnInvalidBytes: true).GetCharCount(header);
            using var document = JsonDocument.Parse(header, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 4 });
            var entries = new List<Entry>();
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Name == "__metadata__") CheckMetadata(property.Value, damaged);
                else entries.Add(ParseEntry(property.Name, property.Value, damaged));
            }
            return entries;
        }
        catch (Exception error) when (error is JsonException or DecoderFallbackException or InvalidOperationException)
        {
            throw damaged($"the header is not the expected JSON ({error.Message.TrimEnd('.')})");
        }
    }

    private static void CheckMetadata(JsonElement value, Func<string, InvalidDataException> damaged)
    {
        if (value.ValueKind != JsonValueKind.Object || value.EnumerateObject().Any(pair => pair.Value.ValueKind != JsonValueKind.String))
            throw damaged("__metadata__ is not an object of strings");
    }

    private static Entry ParseEntry(string name, JsonElement value, Func<string, InvalidDataException> damaged)
    {
        if (value.ValueKind != JsonValueKind.Object
            || !value.TryGetProperty("dtype", out var typeName) || typeName.ValueKind != JsonValueKind.String
            || !value.TryGetProperty("shape", out var sizes) || sizes.ValueKind != JsonValueKind.Array
            || !value.TryGetProperty("data_offsets", out var range) || range.ValueKind != JsonValueKind.Array || range.GetArrayLength() != 2
            || value.EnumerateObject().Count() != 3)
            throw damaged($"{name} needs exactly dtype, shape and two data_offsets");
        var type = SafetensorsType.All.FirstOrDefault(type => type.Name == typeName.GetString())
            ?? throw damaged($"{name} has the unknown type {typeName.GetString()} "
                + $"(known: {string.Join(' ', SafetensorsType.All.Select(known => known.Name))})");
        if (sizes.GetArrayLength() > 64) throw damaged($"{name} has {sizes.GetArrayLength()} dimensions (at most 64)");

        long Natural(JsonElement number) => number.ValueKind == JsonValueKind.Number && number.TryGetInt64(out var result) && result >= 0
            ? result
            : throw damaged($"{name} holds {number.GetRawText()} where a whole number of at least 0 was expected");

        var shape = sizes.EnumerateArray().Select(Natural).ToArray();
        var (begin, end) = (Natural(range[0]), Natural(range[1]));
        // Strides multiply sizes too, zeros counted as one: the product must not overflow even where a zero makes the tensor empty.
        var bound = shape.Aggregate((Int128)type.Bits, (product, size) => product > long.MaxValue ? product : product * Math.Max(size, 1));
        if (bound > long.MaxValue) throw damaged($"{name} has a shape too large for any memory ([{string.Join(",", shape)}])");
        if (!shape.Contains(0) && bound % 8 != 0)
            throw damaged($"{name} of type {type.Name} and shape [{string.Join(",", shape)}] does not end with a whole byte");
        var needed = shape.Contains(0) ? 0 : (long)bound / 8;
        if (end < begin || end - begin != needed)
            throw damaged($"{name} of type {type.Name} and shape [{string.Join(",", shape)}] takes {needed} bytes, "
                + $"but its range is {begin}..{end}");
        return new Entry(name, type, shape, begin, end);
    }
}
