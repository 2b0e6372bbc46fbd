using System.Buffers.Binary;
using System.Text;

namespace Patchwork.Formats;

/// <summary>
/// Writes one protocol buffer message in the wire format (https://protobuf.dev/programming-guides/encoding): each field is a varint key
/// (number &lt;&lt; 3 | wire type) and its value. Fields appear in the order of the calls.
/// </summary>
internal sealed class ProtobufWriter
{
    private enum Wire : uint { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 }

    private readonly MemoryStream _message = new();

    /// <summary>The message so far; valid until the next write.</summary>
    internal ReadOnlySpan<byte> Message => _message.GetBuffer().AsSpan(0, (int)_message.Length);

    /// <summary>Writes an int32, int64 or enum; a negative value takes ten bytes.</summary>
    internal void Integer(int field, long value)
    {
        Key(field, Wire.Varint);
        Varint((ulong)value);
    }

    internal void Double(int field, double value)
    {
        Key(field, Wire.Fixed64);
        Span<byte> bytes = stackalloc byte[sizeof(double)];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
        _message.Write(bytes);
    }

    internal void Single(int field, float value)
    {
        Key(field, Wire.Fixed32);
        Span<byte> bytes = stackalloc byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        _message.Write(bytes);
    }

    internal void String(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    internal void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Key(field, Wire.Bytes);
        Varint((ulong)value.Length);
        _message.Write(value);
    }

    /// <summary>Writes a message inside this one, filled by <paramref name="write"/>.</summary>
    internal void Nested(int field, Action<ProtobufWriter> write)
    {
        var nested = new ProtobufWriter();
        write(nested);
        Bytes(field, nested.Message);
    }

    private void Key(int field, Wire wire) => Varint(((uint)field << 3) | (uint)wire);

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) _message.WriteByte((byte)(value | 0x80));
        _message.WriteByte((byte)value);
    }
}
