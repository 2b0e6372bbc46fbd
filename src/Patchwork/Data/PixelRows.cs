using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Patchwork.Data;

/// <summary>
/// Rows of bytes to rows of normalized floats, <c>(v/255 - mean)/deviation = v·scale + offset</c>. Product and sum are rounded separately, eight pixels at
/// a time or one, mirrored or not, so a pixel's value never depends on where it stands.
/// </summary>
internal sealed class PixelRows
{
    private readonly float[] scale, offset;

    public PixelRows(Normalization normalization)
    {
        scale = [.. normalization.Deviation.Select(deviation => (float)(1 / (255.0 * deviation)))];
        offset = [.. normalization.Mean.Zip(normalization.Deviation, (mean, deviation) => (float)(-(double)mean / deviation))];
    }

    /// <summary>
    /// Writes output columns [from, to) of row y of one channel. The plane holds the channel's source pixels, height rows of width bytes; the output is
    /// the whole output row, width floats.
    /// </summary>
    public void Write(ReadOnlySpan<byte> plane, int height, int width, Geometry geometry, int channel, int y, int from, int to, Span<float> output)
    {
        var (a, b) = (scale[channel], offset[channel]);
        var row = y + geometry.Row;
        if (row < 0 || row >= height)
        {
            output[from..to].Fill(b);      // padding is black: v = 0
            return;
        }
        var source = plane.Slice(row * width, width);
        // Output column x reads source column x + Column, or its mirror image: (width - 1 - x) + Column.
        var (first, end) = geometry.Mirrored ? (geometry.Column, width + geometry.Column) : (-geometry.Column, width - geometry.Column);
        var (begin, stop) = (Math.Clamp(first, from, to), Math.Clamp(end, from, to));
        output[from..begin].Fill(b);
        output[stop..to].Fill(b);
        if (begin == stop)
            return;
        if (geometry.Mirrored)
            Backward(source, width - 1 - begin + geometry.Column, output[begin..stop], a, b);
        else
            Forward(source[(begin + geometry.Column)..], output[begin..stop], a, b);
    }

    private static void Forward(ReadOnlySpan<byte> source, Span<float> output, float a, float b)
    {
        var i = 0;
        for (; i <= output.Length - 8; i += 8)
            Convert(BinaryPrimitives.ReadUInt64LittleEndian(source[i..]), a, b).StoreUnsafe(ref output[i]);
        for (; i < output.Length; i++)
            output[i] = source[i] * a + b;
    }

    // Reads the source from `last` downwards.
    private static void Backward(ReadOnlySpan<byte> source, int last, Span<float> output, float a, float b)
    {
        var i = 0;
        for (; i <= output.Length - 8; i += 8)
            Convert(BinaryPrimitives.ReverseEndianness(BinaryPrimitives.ReadUInt64LittleEndian(source[(last - i - 7)..])), a, b).StoreUnsafe(ref output[i]);
        for (; i < output.Length; i++)
            output[i] = source[last - i] * a + b;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Convert(ulong eight, float a, float b)
    {
        var words = Vector128.WidenLower(Vector128.CreateScalar(eight).AsByte());
        var values = Vector256.ConvertToSingle(Vector256.WidenLower(words.ToVector256Unsafe()).AsInt32());
        return Vector256.Add(Vector256.Multiply(values, Vector256.Create(a)), Vector256.Create(b));
    }
}
