using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Patchwork.Data;

/// <summary>
/// Bytes to normalized floats, <c>(v/255 - mean)/deviation = v·scale + offset</c>, eight pixels at a time. Crop, mirroring and pasting are masks on the
/// eight bytes: a masked byte is 0, which is padding. Product and sum are rounded separately, so a pixel's value never depends on where it stands.
/// </summary>
internal sealed unsafe class PixelRows
{
    private readonly float[] scale, offset;

    public PixelRows(Normalization normalization)
    {
        scale = [.. normalization.Deviation.Select(deviation => (float)(1 / (255.0 * deviation)))];
        offset = [.. normalization.Mean.Zip(normalization.Deviation, (mean, deviation) => (float)(-(double)mean / deviation))];
    }

    /// <summary>Words of eight pixels that a row has.</summary>
    public static int Words(int width) => (width + 7) / 8;

    /// <summary>Writes a whole image: planar bytes (C, H, W) in, floats of the same shape out.</summary>
    public void Write(ReadOnlySpan<byte> image, int channels, int height, int width, Geometry geometry, Span<float> output)
    {
        Span<ulong> masks = stackalloc ulong[Words(width)];
        SourceRow.Masks(geometry, width, 0, width, outside: false, masks);
        for (var row = 0; row < channels * height; row++)
        {
            var (channel, y) = (row / height, row % height);
            Write(channel, new SourceRow(image, height, width, channel, y, geometry), masks, output.Slice(row * width, width));
        }
    }

    /// <summary>Writes a row of a channel from one source; <paramref name="masks"/> say which of its pixels show.</summary>
    public void Write(int channel, SourceRow source, ReadOnlySpan<ulong> masks, Span<float> row)
    {
        var (a, b) = (Vector256.Create(scale[channel]), Vector256.Create(offset[channel]));
        for (var k = 0; k < masks.Length; k++)
            Store(source.Word(k, masks[k]), a, b, row[(8 * k)..]);
    }

    /// <summary>Writes a row that two sources share; no pixel shows both.</summary>
    public void Write(int channel, SourceRow own, ReadOnlySpan<ulong> ownMasks, SourceRow partner, ReadOnlySpan<ulong> partnerMasks, Span<float> row)
    {
        var (a, b) = (Vector256.Create(scale[channel]), Vector256.Create(offset[channel]));
        for (var k = 0; k < ownMasks.Length; k++)
            Store(own.Word(k, ownMasks[k]) | partner.Word(k, partnerMasks[k]), a, b, row[(8 * k)..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(ulong eight, Vector256<float> a, Vector256<float> b, Span<float> row)
    {
        var bytes = Vector128.CreateScalar(eight).AsByte();
        var values = Avx2.IsSupported
            ? Avx2.ConvertToVector256Int32(bytes)
            : Vector256.WidenLower(Vector128.WidenLower(bytes).ToVector256Unsafe()).AsInt32();
        var floats = Vector256.Add(Vector256.Multiply(Vector256.ConvertToSingle(values), a), b);
        if (row.Length >= 8)
            floats.CopyTo(row);
        else
            for (var i = 0; i < row.Length; i++)      // the last pixels of a width that is not a multiple of eight
                row[i] = floats[i];
    }
}

/// <summary>The pixels of one channel of one image that an output row is made from, after crop and mirroring.</summary>
internal readonly unsafe ref struct SourceRow
{
    private readonly ReadOnlySpan<byte> image;
    private readonly int first;             // index in the image of output column 0, which may lie outside
    private readonly bool mirrored, absent;

    /// <summary>Row <paramref name="y"/> of the output, from a channel of an image.</summary>
    public SourceRow(ReadOnlySpan<byte> image, int height, int width, int channel, int y, Geometry geometry)
    {
        var row = y + geometry.Row;
        this.image = image;
        absent = row < 0 || row >= height;
        mirrored = geometry.Mirrored;
        first = (channel * height + row) * width + geometry.Column + (mirrored ? width - 1 : 0);
    }

    /// <summary>Output columns 8k to 8k+7, those outside <paramref name="mask"/> as 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Word(int k, ulong mask)
    {
        if (mask == 0 || absent)
            return 0;
        var start = mirrored ? first - 8 * k - 7 : first + 8 * k;
        if ((uint)start > (uint)(image.Length - 8) || image.Length < 8)
            return Slow(start, mask);
        var word = BinaryPrimitives.ReadUInt64LittleEndian(image[start..]);
        return (mirrored ? BinaryPrimitives.ReverseEndianness(word) : word) & mask;
    }

    // Words that begin before the image or end behind it: byte by byte.
    private ulong Slow(int start, ulong mask)
    {
        var word = 0UL;
        for (var i = 0; i < 8; i++)
        {
            var index = start + i;
            if (index >= 0 && index < image.Length)
                word |= (ulong)image[index] << 8 * (mirrored ? 7 - i : i);
        }
        return word & mask;
    }

    /// <summary>
    /// Masks of the output columns in [<paramref name="left"/>, <paramref name="right"/>) that show a pixel of the image, the others being padding; with
    /// <paramref name="outside"/> the columns outside that range instead.
    /// </summary>
    public static void Masks(Geometry geometry, int width, int left, int right, bool outside, Span<ulong> masks)
    {
        // Output column x reads source column x + Column, or its mirror image (width - 1 - x) + Column.
        var (begin, end) = geometry.Mirrored ? (geometry.Column, width + geometry.Column) : (-geometry.Column, width - geometry.Column);
        (begin, end) = (Math.Max(begin, 0), Math.Min(end, width));
        for (var k = 0; k < masks.Length; k++)
        {
            var chosen = Range(left - 8 * k, right - 8 * k);
            masks[k] = Range(begin - 8 * k, end - 8 * k) & (outside ? ~chosen : chosen);
        }
    }

    // Bytes [from, to) of a word.
    private static ulong Range(int from, int to)
    {
        (from, to) = (Math.Clamp(from, 0, 8), Math.Clamp(to, 0, 8));
        return from >= to ? 0 : (to == 8 ? ulong.MaxValue : (1UL << 8 * to) - 1) & (ulong.MaxValue << 8 * from);
    }
}
