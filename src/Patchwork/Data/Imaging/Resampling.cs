using System.Buffers;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Patchwork.Data;

/// <summary>A part of a picture in its pixels, height first; corners need not lie on pixels.</summary>
internal readonly record struct Window(double Top, double Left, double Height, double Width)
{
    /// <summary>The largest centred window of the proportions rows : columns, both sides times <paramref name="share"/>.</summary>
    public static Window Centered(int height, int width, int rows, int columns, double share = 1)
    {
        var scale = Math.Min((double)height / rows, (double)width / columns) * share;
        return new((height - rows * scale) / 2, (width - columns * scale) / 2, rows * scale, columns * scale);
    }
}

/// <summary>
/// Resizing with a triangle filter that widens with the scale, so that nothing aliases: what Pillow and torchvision call bilinear with
/// antialiasing. Four floats a pixel, one vector instruction a tap.
/// </summary>
internal static class Resampling
{
    /// <summary>
    /// A window of a picture, resized to <paramref name="rows"/> × <paramref name="columns"/>: four floats (0 to 255) per pixel, row by
    /// row, in <paramref name="result"/>. <paramref name="rgba"/> holds <paramref name="height"/> × <paramref name="width"/> pixels of four
    /// bytes without gaps.
    /// </summary>
    public static void Resize(ReadOnlySpan<byte> rgba, int height, int width, Window window, int rows, int columns, Span<float> result)
    {
        var vertical = Taps.Of(height, rows, window.Top, window.Height / rows);
        var horizontal = Taps.Of(width, columns, window.Left, window.Width / columns);
        var (first, end) = (vertical.First[0], vertical.First[rows - 1] + vertical.Counts[rows - 1]);
        var line = columns * 4;
        var rented = ArrayPool<float>.Shared.Rent((end - first) * line);      // only the source rows that the window needs
        var lines = rented.AsSpan(0, (end - first) * line);
        for (var y = first; y < end; y++)
            Squeeze(rgba.Slice(y * width * 4, width * 4), horizontal, lines.Slice((y - first) * line, line));
        for (var y = 0; y < rows; y++)
            Sum(lines[((vertical.First[y] - first) * line)..], vertical.Of(y), result.Slice(y * line, line));
        ArrayPool<float>.Shared.Return(rented);
    }

    // One source row to the wanted number of columns.
    private static void Squeeze(ReadOnlySpan<byte> rgba, Taps taps, Span<float> output)
    {
        var pixels = MemoryMarshal.Cast<byte, uint>(rgba);
        var sums = MemoryMarshal.Cast<float, Vector128<float>>(output);
        for (var x = 0; x < sums.Length; x++)
        {
            var weights = taps.Of(x);
            var under = pixels.Slice(taps.First[x], weights.Length);
            var sum = Vector128<float>.Zero;
            for (var tap = 0; tap < weights.Length; tap++)
                sum += weights[tap] * Channels(under[tap]);
            sums[x] = sum;
        }
    }

    private static Vector128<float> Channels(uint pixel) =>
        Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(pixel).AsByte())).AsInt32());

    // The weighted sum of consecutive lines.
    private static void Sum(ReadOnlySpan<float> lines, ReadOnlySpan<float> weights, Span<float> output)
    {
        var sums = MemoryMarshal.Cast<float, Vector128<float>>(output);
        var under = MemoryMarshal.Cast<float, Vector128<float>>(lines[..(weights.Length * output.Length)]);
        for (var x = 0; x < sums.Length; x++)
        {
            var sum = Vector128<float>.Zero;
            for (var tap = 0; tap < weights.Length; tap++)
                sum += weights[tap] * under[tap * sums.Length + x];
            sums[x] = sum;
        }
    }

    /// <summary>For each wanted pixel along an axis: the source pixels that enter it, and their weights, which sum to 1.</summary>
    private sealed class Taps(int[] first, int[] counts, float[] weights, int most)
    {
        public int[] First { get; } = first;

        public int[] Counts { get; } = counts;

        public ReadOnlySpan<float> Of(int i) => weights.AsSpan(i * most, Counts[i]);

        // Source pixels outside the picture do not enter: the weights of the others grow.
        public static Taps Of(int length, int count, double start, double scale)
        {
            var support = Math.Max(scale, 1);
            var most = 2 * (int)Math.Ceiling(support) + 2;
            var (first, counts, weights) = (new int[count], new int[count], new float[count * most]);
            Span<double> triangle = stackalloc double[Math.Min(most, 256)];
            if (most > triangle.Length)
                triangle = new double[most];
            for (var i = 0; i < count; i++)
            {
                var center = start + (i + 0.5) * scale;
                var from = Math.Max(0, (int)Math.Floor(center - support));
                var last = Math.Min(length - 1, (int)Math.Ceiling(center + support));
                double Weight(int j) => Math.Max(0, 1 - Math.Abs(j + 0.5 - center) / support);
                while (from < last && Weight(from) == 0)
                    from++;
                while (last > from && Weight(last) == 0)
                    last--;
                (first[i], counts[i]) = (from, last - from + 1);
                var sum = 0.0;
                for (var j = from; j <= last; j++)
                    sum += triangle[j - from] = Weight(j);
                for (var j = from; j <= last; j++)
                    weights[i * most + j - from] = (float)(triangle[j - from] / sum);
            }
            return new(first, counts, weights, most);
        }
    }
}
