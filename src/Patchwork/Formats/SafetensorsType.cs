using System.Buffers.Binary;
using static TorchSharp.torch;

namespace Patchwork.Formats;

/// <summary>A type of values in a safetensors file.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Bits">Bits of a value.</param>
/// <param name="Type">Torch's type of the same bits; null where it has none.</param>
internal sealed record SafetensorsType(string Name, int Bits, ScalarType? Type)
{
    /// <summary>All types of the format.</summary>
    public static IReadOnlyList<SafetensorsType> All { get; } =
    [
        new("F64", 64, ScalarType.Float64), new("F32", 32, ScalarType.Float32), new("F16", 16, ScalarType.Float16),
        new("BF16", 16, ScalarType.BFloat16), new("I64", 64, ScalarType.Int64), new("I32", 32, ScalarType.Int32),
        new("I16", 16, ScalarType.Int16), new("I8", 8, ScalarType.Int8), new("U8", 8, ScalarType.Byte), new("BOOL", 8, ScalarType.Bool),
        // What torch has no values of: read into a wider type, or refused where they are needed.
        new("U64", 64, null) { Wider = ScalarType.Int64 }, new("U32", 32, null) { Wider = ScalarType.Int64 },
        new("U16", 16, null) { Wider = ScalarType.Int32 }, new("F8_E4M3", 8, null) { Wider = ScalarType.Float32 },
        new("F8_E5M2", 8, null) { Wider = ScalarType.Float32 }, new("F8_E4M3FNUZ", 8, null), new("F8_E5M2FNUZ", 8, null),
        new("F8_E8M0", 8, null), new("F6_E2M3", 6, null), new("F6_E3M2", 6, null), new("F4", 4, null), new("C64", 64, null),
    ];

    /// <summary>Bytes of a value of one of torch's types.</summary>
    public static int Bytes(ScalarType type) => All.First(known => known.Type == type).Bits / 8;

    /// <summary>The type that holds every value of this one exactly, apart from integers above 2⁶³ - 1; null where none is read.</summary>
    public ScalarType? Wider { get; private init; }

    /// <summary>Reads values of this type into a fresh tensor of <see cref="Wider"/>, on the CPU, in no dispose scope.</summary>
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
            // F8_E5M2 is the upper half of a number of half precision.
            _ => tensor(Read(part => (float)BitConverter.UInt16BitsToHalf((ushort)(part[0] << 8)))),
        };
        return flat.reshape(shape).DetachFromDisposeScope();

        long Large(byte[] part) => BinaryPrimitives.ReadUInt64LittleEndian(part) is var number && number <= long.MaxValue ? (long)number
            : throw new InvalidDataException($"The tensor {name} holds {number}, which no type of torch can.");
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
