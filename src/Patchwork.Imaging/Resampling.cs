using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Patchwork.Imaging;

/// <summary>
/// The position of a resized pixel in a plane: <c>Start + row · Row + column · Column</c>. All rotations and mirrorings have this form.
/// </summary>
internal readonly record struct PlaneOrder(int Start, int Row, int Column);

/// <summary>
/// Resizes with a triangle filter that widens with the scale to avoid aliasing: what Pillow and torchvision call bilinear with
/// antialiasing. Rows are combined first, two pixels per instruction; then columns, one pixel per instruction.
/// </summary>
internal static class Resampling
{
    /// <summary>
    /// Resizes a window of an image to <paramref name="rows"/> × <paramref name="columns"/> and writes it as planes of one (luma) or three
    /// <paramref name="channels"/>. <paramref name="rgba"/> contains <paramref name="height"/> × <paramref name="width"/> pixels of four
    /// bytes.
    /// </summary>
    public static void Resize(ReadOnlySpan<byte> rgba, int height, int width, Window window, int rows, int columns, PlaneOrder order,
        Span<byte> planar, int channels)
    {
        var vertical = Taps.Of(height, rows, window.Top, window.Height / rows);
        var horizontal = Taps.Of(width, columns, window.Left, window.Width / columns);
        // Only the columns that the window needs.
        var (left, right) = (horizontal.First[0], horizontal.First[columns - 1] + horizontal.Count);
        var rented = ArrayPool<float>.Shared.Rent((right - left) * 4);
        var line = rented.AsSpan(0, (right - left) * 4);
        var area = rows * columns;
        for (var y = 0; y < rows; y++)
        {
            Squash(rgba[((vertical.First[y] * width + left) * 4)..], width * 4, vertical.Of(y), line);
            var pixels = MemoryMarshal.Cast<float, Vector128<float>>(line);
            var at = order.Start + y * order.Row;
            for (var x = 0; x < columns; x++, at += order.Column)
            {
                var pixel = Sum(pixels.Slice(horizontal.First[x] - left, horizontal.Count), horizontal.Of(x));
                if (channels == 1)
                {
                    planar[at] = (byte)Math.Min(0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2] + 0.5f, 255);      // ITU-R BT.601
                    continue;
                }
                var levels = Vector128.ConvertToInt32Native(Vector128.Min(pixel + Vector128.Create(0.5f), Vector128.Create(255f)));
                planar[at] = (byte)levels[0];
                planar[area + at] = (byte)levels[1];
                planar[2 * area + at] = (byte)levels[2];
            }
        }
        ArrayPool<float>.Shared.Return(rented);
    }

    // The weighted sum of consecutive source rows, two at a time.
    private static void Squash(ReadOnlySpan<byte> rgba, int rowBytes, ReadOnlySpan<float> weights, Span<float> line)
    {
        line.Clear();
        for (var tap = 0; tap < weights.Length; tap += 2)
        {
            var one = rgba.Slice(tap * rowBytes, line.Length);
            var paired = tap + 1 < weights.Length;
            var two = paired ? rgba.Slice((tap + 1) * rowBytes, line.Length) : one;
            var weight = paired ? weights[tap + 1] : 0;
            var (first, second) = (Vector256.Create(weights[tap]), Vector256.Create(weight));
            ref var target = ref MemoryMarshal.GetReference(line);
            var i = 0;
            for (; i <= line.Length - 8; i += 8)
                (Vector256.LoadUnsafe(ref target, (nuint)i) + first * Eight(one, i) + second * Eight(two, i))
                    .StoreUnsafe(ref target, (nuint)i);
            for (; i < line.Length; i++)
                line[i] = line[i] + weights[tap] * one[i] + weight * two[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Eight(ReadOnlySpan<byte> bytes, int i)
    {
        var word = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetReference(bytes), i));
        var wide = Vector128.WidenLower(Vector128.CreateScalarUnsafe(word).AsByte());
        return Vector256.ConvertToSingle(Vector256.WidenLower(wide.ToVector256Unsafe()).AsInt32());
    }

    // The weighted sum of consecutive pixels.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Sum(ReadOnlySpan<Vector128<float>> pixels, ReadOnlySpan<float> weights)
    {
        var sum = Vector128<float>.Zero;
        for (var tap = 0; tap < weights.Length; tap++)
            sum += weights[tap] * pixels[tap];
        return sum;
    }

    /// <summary>
    /// For each output pixel along an axis: the first of the <see cref="Count"/> source pixels that contribute to it, and their weights,
    /// which sum to 1.
    /// </summary>
    private sealed class Taps(int[] first, float[] weights, int count)
    {
        public int[] First { get; } = first;

        public int Count { get; } = count;

        public ReadOnlySpan<float> Of(int i) => weights.AsSpan(i * Count, Count);

        // Source pixels outside the image are skipped; the weights of the others grow.
        public static Taps Of(int length, int count, double start, double scale)
        {
            var support = Math.Max(scale, 1);
            (int From, int Last) Reach(int i)
            {
                var center = start + (i + 0.5) * scale;      // pixel j lies under the triangle where |j + ½ - center| < support
                return (Math.Clamp((int)Math.Floor(center - support + 0.5), 0, length - 1),
                Math.Clamp((int)Math.Ceiling(center + support - 1.5), 0, length - 1));
            }
            var most = 1;
            for (var i = 0; i < count; i++)
                most = Math.Max(most, Reach(i).Last - Reach(i).From + 1);
            var (first, weights) = (new int[count], new float[count * most]);
            for (var i = 0; i < count; i++)
            {
                var (from, last) = Reach(i);
                var center = start + (i + 0.5) * scale;
                double Weight(int j) => Math.Max(0, 1 - Math.Abs(j + 0.5 - center) / support);
                first[i] = Math.Min(from, length - most);      // the same number for all: unneeded ones have weight 0
                var sum = 0.0;
                for (var j = from; j <= last; j++)
                    sum += Weight(j);
                for (var j = from; j <= last; j++)
                    weights[i * most + j - first[i]] = (float)(Weight(j) / sum);
            }
            return new(first, weights, most);
        }
    }
}
