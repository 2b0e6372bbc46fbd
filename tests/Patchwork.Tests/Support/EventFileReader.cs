using System.Text;

namespace Patchwork.Tests.Support;

/// <summary>
/// Reads TensorBoard event files without sharing code with the writer: record framing, checksums computed bit by bit from the polynomial,
/// and the protocol buffer wire format as nested fields.
/// </summary>
internal static class EventFileReader
{
    /// <summary>A field of a message; its wire type determines which one of the values is meaningful.</summary>
    internal sealed record Field(int Number, int Wire, ulong Integer, byte[] Bytes)
    {
        internal double Double => BitConverter.Int64BitsToDouble((long)Integer);
        internal float Single => BitConverter.Int32BitsToSingle((int)Integer);
        internal string Text => Encoding.UTF8.GetString(Bytes);
        internal Field[] Message => Parse(Bytes);
        internal Field this[int number] => Message.Single(field => field.Number == number);
    }

    internal static List<Field[]> Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return Read(file);
    }

    /// <summary>Reads all events of a stream.</summary>
    /// <exception cref="InvalidDataException">A record is damaged.</exception>
    /// <exception cref="EndOfStreamException">The last record is cut off.</exception>
    internal static List<Field[]> Read(Stream file)
    {
        using var reader = new BinaryReader(file, Encoding.UTF8, leaveOpen: true);
        var events = new List<Field[]>();
        while (reader.BaseStream.Position < reader.BaseStream.Length)
        {
            var length = reader.ReadBytes(8);
            Check(length, reader.ReadUInt32());
            var data = reader.ReadBytes(checked((int)BitConverter.ToUInt64(length)));
            Check(data, reader.ReadUInt32());
            events.Add(Parse(data));
        }
        return events;
    }

    private static void Check(byte[] data, uint masked)
    {
        var rotated = unchecked(masked - 0xa282ead8u);
        var stored = (rotated << 15) | (rotated >> 17);
        var crc = uint.MaxValue;
        foreach (var value in data)
            for (var bit = 0; bit < 8; bit++)
            {
                var top = (crc ^ (uint)(value >> bit)) & 1;
                crc = (crc >> 1) ^ (top == 1 ? 0x82f63b78u : 0);
            }
        if (stored != ~crc) throw new InvalidDataException($"checksum {stored:x8}, expected {~crc:x8}");
    }

    private static Field[] Parse(byte[] message)
    {
        var fields = new List<Field>();
        var at = 0;
        ulong Varint()
        {
            ulong result = 0;
            for (var shift = 0; ; shift += 7)
            {
                var value = message[at++];
                result |= (ulong)(value & 0x7f) << shift;
                if (value < 0x80) return result;
            }
        }
        while (at < message.Length)
        {
            var key = Varint();
            var (number, wire) = ((int)(key >> 3), (int)(key & 7));
            switch (wire)
            {
                case 0: fields.Add(new(number, wire, Varint(), [])); break;
                case 1: fields.Add(new(number, wire, BitConverter.ToUInt64(message, at), [])); at += 8; break;
                case 5: fields.Add(new(number, wire, BitConverter.ToUInt32(message, at), [])); at += 4; break;
                case 2:
                    var length = (int)Varint();
                    fields.Add(new(number, wire, 0, message[at..(at + length)]));
                    at += length;
                    break;
                default: throw new InvalidDataException($"wire type {wire}");
            }
        }
        return [.. fields];
    }
}
