using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Patchwork.Plans;

namespace Patchwork.Data;

/// <summary>
/// Converts planar bytes (C, H, W) to normalized floats of the same shape, <c>(v/255 - mean)/deviation = v·scale + offset</c>, eight pixels
/// at a time. Crop, mirroring and pasting are one shuffle of the eight bytes: bytes that are not picked become 0, which is padding. Product
/// and sum are rounded separately, so a pixel's value never depends on its position.
/// </summary>
internal sealed class PixelRows
{
    private readonly float[] scale, offset;

    public PixelRows(Normalization normalization)
    {
        scale = [.. normalization.StandardDeviation.Select(deviation => (float)(1 / (255.0 * deviation)))];
        offset = [.. normalization.Mean.Zip(normalization.StandardDeviation, (mean, deviation) => (float)(-(double)mean / deviation))];
    }

    /// <summary>Writes an image from its own pixels only.</summary>
    public void Write(ImageSource own, Span<float> output) => Write(own, own, Box.Empty, output);

    /// <summary>Writes an image whose pixels inside the box come from its partner.</summary>
    public void Write(ImageSource own, ImageSource partner, Box box, Span<float> output)
    {
        var (height, width) = (own.Height, own.Width);
        const int ahead = 8;      // rows: a partner's pixels are far away in memory, and jump from row to row
        var (first, last) = (box.Left / 8, (box.Right - 1) / 8);      // the words where the box begins and ends
        var words = (width + 7) / 8;
        Span<Vector128<byte>> all = stackalloc Vector128<byte>[words];
        Span<Vector128<byte>> beside = stackalloc Vector128<byte>[words], inside = stackalloc Vector128<byte>[words];
        Span<byte> edge = stackalloc byte[own.EdgeBytes], partnerEdge = stackalloc byte[own.EdgeBytes];
        own.Pick(0, width, outside: false, all);
        if (!box.IsEmpty)
        {
            own.Pick(box.Left, box.Right, outside: true, beside);
            partner.Pick(box.Left, box.Right, outside: false, inside);
        }
        for (var channel = 0; channel < scale.Length; channel++)
        {
            var (a, b) = (Vector256.Create(scale[channel]), Vector256.Create(offset[channel]));
            for (var y = 0; y < height; y++)
            {
                var row = output.Slice((channel * height + y) * width, width);
                if (y + ahead >= box.Top && y + ahead < box.Bottom)
                    partner.Prefetch(channel, y + ahead, box.Left, box.Right);
                if (y < box.Top || y >= box.Bottom)
                {
                    ref readonly var mine = ref own.Row(channel, y, edge);
                    for (var k = 0; k < words; k++)
                        Store(own.Eight(in mine, k, all[k]), a, b, row, k);
                }
                else
                {
                    ref readonly var mine = ref own.Row(channel, y, edge);
                    ref readonly var other = ref partner.Row(channel, y, partnerEdge);
                    for (var k = 0; k < first; k++)
                        Store(own.Eight(in mine, k, all[k]), a, b, row, k);
                    Store(own.Eight(in mine, first, beside[first]) | partner.Eight(in other, first, inside[first]), a, b, row, first);
                    for (var k = first + 1; k < last; k++)
                        Store(partner.Eight(in other, k, inside[k]), a, b, row, k);
                    if (last > first)
                        Store(own.Eight(in mine, last, beside[last]) | partner.Eight(in other, last, inside[last]), a, b, row, last);
                    for (var k = last + 1; k < words; k++)
                        Store(own.Eight(in mine, k, all[k]), a, b, row, k);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<byte> bytes, Vector256<float> a, Vector256<float> b, Span<float> row, int k)
    {
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
    private const int Margin = 80;      // bytes around an edge row, read but never used: the widest padding, 64, and two words

    private readonly ReadOnlySpan<byte> image = image;

    public int Height => height;

    public int Width => width;

    /// <summary>Bytes that <see cref="Row"/> needs to copy a row.</summary>
    public int EdgeBytes => Margin + width + Margin;

    /// <summary>
    /// The source row of output row <paramref name="y"/>, for <see cref="Eight"/>. A row outside the image is zeros; a row whose words
    /// would extend outside the memory of the image is copied to <paramref name="edge"/> first.
    /// </summary>
    public ref readonly byte Row(int channel, int y, Span<byte> edge)
    {
        var row = y + geometry.Row;
        var left = geometry.Column + (geometry.Mirrored ? width - 8 : 0);
        if ((uint)row >= (uint)height)
        {
            edge.Clear();
            return ref edge[Margin + left];
        }
        var start = (channel * height + row) * width;
        var reach = (width + 7) / 8 * 8 - 8;      // from the first word to the last
        var (lowest, highest) = geometry.Mirrored ? (start + left - reach, start + left) : (start + left, start + left + reach);
        if (lowest >= 0 && highest <= image.Length - 8)
            return ref image[start + left];
        image.Slice(start, width).CopyTo(edge[Margin..]);
        return ref edge[Margin + left];
    }

    /// <summary>
    /// Output columns 8k to 8k+7 of a row in the lower half of a vector: those that <paramref name="pick"/> chose, the others as 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<byte> Eight(ref readonly byte row, int k, Vector128<byte> pick)
    {
        var word = Unsafe.ReadUnaligned<ulong>(in Unsafe.Add(ref Unsafe.AsRef(in row), geometry.Mirrored ? -8 * k : 8 * k));
        return Vector128.Shuffle(Vector128.CreateScalarUnsafe(word).AsByte(), pick);
    }

    /// <summary>
    /// Chooses the output columns in [<paramref name="left"/>, <paramref name="right"/>) that show a pixel of the image; the others are
    /// padding. With <paramref name="outside"/>, chooses the columns outside that range instead. One vector per eight columns.
    /// </summary>
    public void Pick(int left, int right, bool outside, Span<Vector128<byte>> picks)
    {
        // Output column x reads source column x + Column, or its mirror image (width - 1 - x) + Column.
        var shift = geometry.Mirrored ? geometry.Column : -geometry.Column;
        var (begin, end) = (Math.Max(shift, 0), Math.Min(width + shift, width));
        var places = geometry.Mirrored ? Vector128.Create(7, 6, 5, 4, 3, 2, 1, 0, -1, -1, -1, -1, -1, -1, -1, -1)
            : Vector128.Create(0, 1, 2, 3, 4, 5, 6, 7, -1, -1, -1, -1, -1, -1, -1, -1);
        for (var k = 0; k < picks.Length; k++)
        {
            var columns = Vector128<short>.Indices + Vector128.Create((short)(8 * k));
            var chosen = Within(columns, left, right);
            var picked = Within(columns, begin, end) & (outside ? ~chosen : chosen);
            picks[k] = (places | Vector128.Narrow(~picked, Vector128<short>.AllBitsSet).AsSByte()).AsByte();
        }
    }

    private static Vector128<short> Within(Vector128<short> columns, int begin, int end) =>
        Vector128.GreaterThanOrEqual(columns, Vector128.Create((short)begin)) & Vector128.LessThan(columns, Vector128.Create((short)end));

    /// <summary>
    /// Prefetches columns [<paramref name="left"/>, <paramref name="right"/>) of a row into the cache, because they are read some rows
    /// later.
    /// </summary>
    public unsafe void Prefetch(int channel, int y, int left, int right)
    {
        if (!Sse.IsSupported)
            return;
        const int line = 64;
        var first = geometry.Mirrored ? width - right : left;
        var start = (channel * height + Math.Clamp(y + geometry.Row, 0, height - 1)) * width + first;
        for (var x = 0; x < right - left; x += line)
            Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref MemoryMarshal.GetReference(image), start + x)));
    }
}
