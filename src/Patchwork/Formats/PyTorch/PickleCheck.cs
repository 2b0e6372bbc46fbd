using System.Buffers.Binary;
using System.Text;

namespace Patchwork.Formats;

/// <summary>
/// Checks a pickle before it is read. A pickle is a program; it may only build numbers, strings, lists and dictionaries, and name the types
/// that a state dict consists of. One that names anything else is rejected before any of it runs.
/// </summary>
internal static class PickleCheck
{
    private const int LargestLong = 16;

    // Operations of protocols 2 and 3 without an argument: (, ), ., N, R, Q, a, b, d, e, l, s, t, u, ], }, TUPLE1 to 3, NEWTRUE, NEWFALSE.
    private static readonly byte[] Plain = [.. "().NRQabdelstu]}"u8, 0x85, 0x86, 0x87, 0x88, 0x89];

    /// <summary>
    /// Returns the same pickle with the names in it replaced: the reader's registry is shared by the whole process, and other code may have
    /// registered its own readers for PyTorch's names.
    /// </summary>
    /// <param name="pickle">The pickle.</param>
    /// <param name="rename">Maps a module and a name in it to their replacement; returns null if the name is not allowed.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="InvalidDataException">The pickle has other operations or names, or is truncated.</exception>
    public static byte[] Renamed(ReadOnlySpan<byte> pickle, Func<string, string, string?> rename, string path)
    {
        using var output = new MemoryStream(pickle.Length);
        var at = 0;
        while (true)
        {
            if (at >= pickle.Length)
                throw new InvalidDataException($"the pickle in {path} is cut off");
            var code = pickle[at];
            if (code == (byte)'c')
            {
                at++;
                var (module, name) = (Line(pickle, ref at, path), Line(pickle, ref at, path));
                var other = rename(module, name)
                    ?? throw new InvalidDataException($"the pickle in {path} names {module}.{name}, which no state dict needs, so "
                        + "none of it was run. Save the state dict alone in Python: torch.save(model.state_dict(), FILE)");
                output.Write(Encoding.ASCII.GetBytes($"c{other}\n"));
                continue;
            }
            var length = 1 + ArgumentLength(pickle[at..], path);
            if (length > pickle.Length - at)
                throw new InvalidDataException($"the pickle in {path} is cut off");
            output.Write(pickle.Slice(at, length));
            at += length;
            if (code == (byte)'.')
                return output.ToArray();
        }
    }

    private static int ArgumentLength(ReadOnlySpan<byte> code, string path)
    {
        int Counted(int bytes, ReadOnlySpan<byte> code)
        {
            if (code.Length <= bytes)
                throw new InvalidDataException($"the pickle in {path} is cut off");
            var count = bytes == 1 ? code[1] : BinaryPrimitives.ReadUInt32LittleEndian(code[1..]);
            return count <= int.MaxValue - 8 ? bytes + (int)count
                : throw new InvalidDataException($"the pickle in {path} is cut off");
        }
        switch (code[0])
        {
            case 0x80 or (byte)'q' or (byte)'h' or (byte)'K':                   // PROTO, BINPUT, BINGET, BININT1
                return 1;
            case (byte)'M':                                                     // BININT2
                return 2;
            case (byte)'r' or (byte)'j' or (byte)'J':                           // LONG_BINPUT, LONG_BINGET, BININT
                return 4;
            case (byte)'G':                                                     // BINFLOAT
                return 8;
            case (byte)'U' or (byte)'C' or 0x8c:                                // texts of up to 255 bytes
                return Counted(1, code);
            case 0x8a when Counted(1, code) is var length and <= 1 + LargestLong:       // LONG1
                return length;
            case (byte)'X' or (byte)'T' or (byte)'B':                           // texts
                return Counted(4, code);
            case var plain when Plain.Contains(plain):
                return 0;
            default:
                throw new InvalidDataException($"the pickle in {path} has the operation 0x{code[0]:x2}, which no state dict needs; "
                    + "save it with pickle protocol 2, PyTorch's default");
        }
    }

    private static string Line(ReadOnlySpan<byte> pickle, ref int at, string path)
    {
        const int longest = 256;
        var rest = pickle[Math.Min(at, pickle.Length)..];
        var length = rest.IndexOf((byte)'\n');
        if (length is < 0 or > longest || !Ascii.IsValid(rest[..length]))
            throw new InvalidDataException($"the pickle in {path} is damaged where it names something");
        at += length + 1;
        return Encoding.ASCII.GetString(rest[..length]);
    }
}
