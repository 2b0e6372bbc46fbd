using System.Buffers.Binary;
using static TorchSharp.torch;

namespace Patchwork.Formats;

/// <summary>A type of values in the safetensors format.</summary>
/// <param name="Name">Its name in the format.</param>
/// <param name="Bits">Bits per value.</param>
/// <param name="Type">The torch type with the same bits; null if there is none.</param>
internal sealed record SafetensorsType(string Name, int Bits, ScalarType? Type)
{
    /// <summary>All types of the format.</summary>
    public static IReadOnlyList<SafetensorsType> All { get; } =
    [
        new("F64", 64, ScalarType.Float64), new("F32", 32, ScalarType.Float32), new("F16", 16, ScalarType.Float16),
        new("BF16", 16, ScalarType.BFloat16), new("I64", 64, ScalarType.Int64), new("I32", 32, ScalarType.Int32),
        new("I16", 16, ScalarType.Int16), new("I8", 8, ScalarType.Int8), new("U8", 8, ScalarType.Byte), new("BOOL", 8, ScalarType.Bool),
        // Types that torch lacks: read into a wider type, or rejected if they are needed.
        new("U64", 64, null) { Wider = ScalarType.Int64 }, new("U32", 32, null) { Wider = ScalarType.Int64 },
        new("U16", 16, null) { Wider = ScalarType.Int32 }, new("F8_E4M3", 8, null) { Wider = ScalarType.Float32 },
        new("F8_E5M2", 8, null) { Wider = ScalarType.Float32 }, new("F8_E4M3FNUZ", 8, null), new("F8_E5M2FNUZ", 8, null),
        new("F8_E8M0", 8, null), new("F6_E2M3", 6, null), new("F6_E3M2", 6, null), new("F4", 4, null), new("C64", 64, null),
    ];

    /// <summary>Bytes per value of a torch type.</summary>
    public static int Bytes(ScalarType type) => All.First(known => known.Type == type).Bits / 8;

    /// <summary>
    /// The torch type that represents every value of this one exactly, except integers above 2⁶³ - 1; null if values of this type are not
    /// read.
    /// </summary>
    public ScalarType? Wider { get; private init; }

    /// <summary>Reads values of this type into a new tensor of type <see cref="Wider"/>, on the CPU, not in a dispose scope.</summary>
    /// <exception cref="InvalidDataException">An integer is too large.</exception>
    public Tensor Widen(ReadOnlySpan<byte> values, long[] shape, string name)
    {
        var (size, bytes) = (Bits / 8, values.ToArray());
        T[] Read<T>(Func<byte[], T> value) => [.. bytes.Chunk(size).Select(value)];
        using var flat = Name switch
        {
            "U16" => tensor(Read(part => (int)BinaryPrimitives.ReadUInt16LittleEndian(part))),
            "U32" => tensor(Read(part => (long)BinaryPrimitives.ReadUInt32LittleEndian(part))),
            "U64" => tensor(Read(Large)),
            "F8_E4M3" => tensor(Read(part => E4M3(part[0]))),
            // F8_E5M2 is the upper byte of a half-precision number.
            _ => tensor(Read(part => (float)BitConverter.UInt16BitsToHalf((ushort)(part[0] << 8)))),
        };
        return flat.reshape(shape).DetachFromDisposeScope();

        long Large(byte[] part) => BinaryPrimitives.ReadUInt64LittleEndian(part) is var number && number <= long.MaxValue ? (long)number
            : throw new InvalidDataException($"The tensor {name} contains {number}, which no torch type can represent.");
    }

    // OCP 8-bit floating point, E4M3: bias 7, no infinities, NaN where all lower bits are 1.
    internal static float E4M3(byte bits)
    {
        var (exponent, mantissa) = (bits >> 3 & 15, bits & 7);
        var value = (exponent, mantissa) switch
        {
            (15, 7) => float.NaN,
            (0, _) => MathF.ScaleB(mantissa, -9),
            _ => MathF.ScaleB(8 + mantissa, exponent - 10),
        };
        return (bits & 128) == 0 ? value : -value;
    }
}
