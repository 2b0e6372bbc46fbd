using System.Buffers.Binary;
using System.Runtime.Intrinsics.X86;

namespace Patchwork.Internals;

/// <summary>CRC-32C (Castagnoli), the checksum of RFC 3720, computed with the processor's own instruction if there is one.</summary>
internal static class Crc32C
{
    /// <summary>The polynomial 0x1EDC6F41 with its bits reversed.</summary>
    private const uint Polynomial = 0x82F63B78;

    private static readonly uint[] Table = MakeTable();

    /// <summary>The checksum of <paramref name="bytes"/>.</summary>
    internal static uint Compute(ReadOnlySpan<byte> bytes) => Sse42.IsSupported ? ComputeByInstruction(bytes) : ComputeByTable(bytes);

    /// <summary>The same checksum without the instruction.</summary>
    internal static uint ComputeByTable(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes) crc = Table[(byte)(crc ^ value)] ^ (crc >> 8);
        return ~crc;
    }

    private static uint ComputeByInstruction(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= sizeof(uint); bytes = bytes[sizeof(uint)..])
            crc = Sse42.Crc32(crc, BinaryPrimitives.ReadUInt32LittleEndian(bytes));
        foreach (var value in bytes) crc = Sse42.Crc32(crc, value);
        return ~crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) == 1 ? (crc >> 1) ^ Polynomial : crc >> 1;
            table[i] = crc;
        }
        return table;
    }
}
