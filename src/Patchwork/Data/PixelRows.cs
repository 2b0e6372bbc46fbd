using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Patchwork.Plans;

namespace Patchwork.Data;

/// <summary>
/// Planar bytes (C, H, W) to normalized floats of the same shape, <c>(v/255 - mean)/deviation = v·scale + offset</c>, eight pixels at a time. Crop,
/// mirroring and pasting are masks on the eight bytes: a masked byte is 0, which is padding. Product and sum are rounded separately, so a pixel's value
/// never depends on where it stands.
/// </summary>
internal sealed class PixelRows
{
    private readonly float[] scale, offset;

    public PixelRows(Normalization normalization)
    {
        scale = [.. normalization.Deviation.Select(deviation => (float)(1 / (255.0 * deviation)))];
        offset = [.. normalization.Mean.Zip(normalization.Deviation, (mean, deviation) => (float)(-(double)mean / deviation))];
    }

    /// <summary>Writes an image of its own pixels alone.</summary>
    public void Write(ImageSource own, Span<float> output) => Write(own, own, Box.Empty, output);

    /// <summary>Writes an image whose pixels inside the box come from its partner.</summary>
    public void Write(ImageSource own, ImageSource partner, Box box, Span<float> output)
    {
        var (height, width) = (own.Height, own.Width);
        var words = (width + 7) / 8;
        Span<ulong> all = stackalloc ulong[words], beside = stackalloc ulong[words], inside = stackalloc ulong[words];
        own.Masks(0, width, outside: false, all);
        if (!box.IsEmpty)
        {
            own.Masks(box.Left, box.Right, outside: true, beside);
            partner.Masks(box.Left, box.Right, outside: false, inside);
        }
        for (var channel = 0; channel < scale.Length; channel++)
        {
            var (a, b) = (Vector256.Create(scale[channel]), Vector256.Create(offset[channel]));
            for (var y = 0; y < height; y++)
            {
                var row = output.Slice((channel * height + y) * width, width);
                var start = own.RowStart(channel, y);
                if (y < box.Top || y >= box.Bottom)
                {
                    for (var k = 0; k < words; k++)
                        Store(own.Word(start, k, all[k]), a, b, row, k);
                    continue;
                }
                var partnerStart = partner.RowStart(channel, y);
                for (var k = 0; k < words; k++)
                    Store(own.Word(start, k, beside[k]) | partner.Word(partnerStart, k, inside[k]), a, b, row, k);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(ulong eight, Vector256<float> a, Vector256<float> b, Span<float> row, int k)
    {
        var bytes = Vector128.CreateScalar(eight).AsByte();
        var values = Avx2.IsSupported
            ? Avx2.ConvertToVector256Int32(bytes)
            : Vector256.WidenLower(Vector128.WidenLower(bytes).ToVector256Unsafe()).AsInt32();
        var floats = Vector256.Add(Vector256.Multiply(Vector256.ConvertToSingle(values), a), b);
        if (row.Length - 8 * k >= 8)
            floats.StoreUnsafe(ref MemoryMarshal.GetReference(row), (nuint)(8 * k));
        else
            for (var i = 8 * k; i < row.Length; i++)      // the last pixels of a width that is not a multiple of eight
                row[i] = floats[i - 8 * k];
    }
}

/// <summary>The pixels of one image (planar bytes) that an output is made from, after crop and mirroring.</summary>
internal readonly ref struct ImageSource(ReadOnlySpan<byte> image, int height, int width, Geometry geometry)
{
    private const int Absent = int.MinValue;

    private readonly ReadOnlySpan<byte> image = image;

    public int Height => height;

    public int Width => width;

    /// <summary>Index of the pixel that output column 0 of a row shows; it may lie outside the row, or the row outside the image.</summary>
    public int RowStart(int channel, int y)
    {
        var row = y + geometry.Row;
        return row < 0 || row >= height ? Absent : (channel * height + row) * width + geometry.Column + (geometry.Mirrored ? width - 1 : 0);
    }

    /// <summary>Output columns 8k to 8k+7 of the row that begins at <paramref name="start"/>, those outside <paramref name="mask"/> as 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Word(int start, int k, ulong mask)
    {
        if (mask == 0 || start == Absent)
            return 0;
        var first = geometry.Mirrored ? start - 8 * k - 7 : start + 8 * k;
        if (first < 0 || first > image.Length - 8)
            return Slow(first, mask);
        var word = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetReference(image), first));
        if (!BitConverter.IsLittleEndian)
            word = BinaryPrimitives.ReverseEndianness(word);
        return (geometry.Mirrored ? BinaryPrimitives.ReverseEndianness(word) : word) & mask;
    }

    /// <summary>
    /// Masks of the output columns in [<paramref name="left"/>, <paramref name="right"/>) that show a pixel of the image, the others being padding; with
    /// <paramref name="outside"/> the columns outside that range instead.
    /// </summary>
    public void Masks(int left, int right, bool outside, Span<ulong> masks)
    {
        // Output column x reads source column x + Column, or its mirror image (width - 1 - x) + Column.
        var shift = geometry.Mirrored ? geometry.Column : -geometry.Column;
        var (begin, end) = (Math.Max(shift, 0), Math.Min(width + shift, width));
        for (var k = 0; k < masks.Length; k++)
        {
            var chosen = Range(left - 8 * k, right - 8 * k);
            masks[k] = Range(begin - 8 * k, end - 8 * k) & (outside ? ~chosen : chosen);
        }
    }

    /// <summary>Asks for the pixels of a box to be fetched into the cache: of another image, they would be waited for row by row.</summary>
    public void Prefetch(Box box, int channels)
    {
        if (!Sse.IsSupported)
            return;
        for (var channel = 0; channel < channels; channel++)
        {
            for (var y = box.Top; y < box.Bottom; y++)
                Prefetch((channel * height + Math.Clamp(y + geometry.Row, 0, height - 1)) * width);
        }
    }

    private unsafe void Prefetch(int index) => Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref MemoryMarshal.GetReference(image), index)));

    // Words that begin before the image or end behind it: byte by byte.
    private ulong Slow(int first, ulong mask)
    {
        var word = 0UL;
        for (var i = 0; i < 8; i++)
        {
            var index = first + i;
            if (index >= 0 && index < image.Length)
                word |= (ulong)image[index] << 8 * (geometry.Mirrored ? 7 - i : i);
        }
        return word & mask;
    }

    // Bytes [from, to) of a word.
    private static ulong Range(int from, int to)
    {
        (from, to) = (Math.Clamp(from, 0, 8), Math.Clamp(to, 0, 8));
        return from >= to ? 0 : (to == 8 ? ulong.MaxValue : (1UL << 8 * to) - 1) & (ulong.MaxValue << 8 * from);
    }
}
