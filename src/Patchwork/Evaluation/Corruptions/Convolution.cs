using System.Numerics;
using Patchwork.Imaging;

namespace Patchwork.Evaluation;

/// <summary>The values outside the border of a plane.</summary>
internal enum Border
{
    /// <summary>The outermost value, repeated: a a a | a b c | c c c.</summary>
    Nearest,

    /// <summary>The mirror image, with the outermost value repeated: c b a | a b c | c b a.</summary>
    Reflect,

    /// <summary>The mirror image, without repeating the outermost value (OpenCV's reflect-101): c b | a b c | b a.</summary>
    Mirror,
}

/// <summary>Correlation of a plane (row, column) with small kernels.</summary>
internal static class Convolution
{
    /// <summary>
    /// Returns the index, from 0 to <paramref name="length"/> - 1, that is read for index <paramref name="i"/>, which may be outside.
    /// </summary>
    public static int At(int i, int length, Border border)
    {
        if ((uint)i < (uint)length)
            return i;
        if (border == Border.Nearest || length == 1)
            return Math.Clamp(i, 0, length - 1);
        var period = border == Border.Reflect ? 2 * length : 2 * length - 2;
        var place = (i % period + period) % period;
        return place < length ? place : (border == Border.Reflect ? period - 1 : period) - place;
    }

    /// <summary>SciPy's Gaussian: samples of exp(-i²/2σ²) for |i| ≤ ⌊truncate · σ + ½⌋, scaled to sum to 1.</summary>
    public static double[] Gaussian(double sigma, double truncate = 4)
    {
        var radius = (int)(truncate * sigma + 0.5);
        if (radius == 0)
            return [1];
        var kernel = Enumerable.Range(-radius, 2 * radius + 1).Select(i => Math.Exp(-0.5 / (sigma * sigma) * i * i)).ToArray();
        var sum = kernel.Sum();
        return [.. kernel.Select(weight => weight / sum)];
    }

    /// <summary>Correlates with the same kernel of odd length along the columns, then along the rows.</summary>
    public static void Separable(Span<double> plane, int height, int width, ReadOnlySpan<double> kernel, Border border)
    {
        var radius = kernel.Length / 2;
        if (radius == 0)
            return;
        var rows = new double[plane.Length];
        for (var y = 0; y < height; y++)
        {
            for (var tap = 0; tap < kernel.Length; tap++)
                Add(plane.Slice(At(y + tap - radius, height, border) * width, width), kernel[tap], rows.AsSpan(y * width, width));
        }
        Span<double> padded = new double[width + 2 * radius];
        for (var y = 0; y < height; y++)
        {
            Pad(rows.AsSpan(y * width, width), radius, border, padded);
            var line = plane.Slice(y * width, width);
            line.Clear();
            for (var tap = 0; tap < kernel.Length; tap++)
                Add(padded.Slice(tap, width), kernel[tap], line);
        }
    }

    /// <summary>Correlates with a square kernel of odd side, given row by row.</summary>
    public static void Square(Span<double> plane, int height, int width, ReadOnlySpan<double> kernel, int side, Border border)
    {
        var radius = side / 2;
        var stride = width + 2 * radius;
        var padded = new double[(height + 2 * radius) * stride];
        for (var y = -radius; y < height + radius; y++)
            Pad(plane.Slice(At(y, height, border) * width, width), radius, border, padded.AsSpan((y + radius) * stride, stride));
        plane.Clear();
        for (var y = 0; y < height; y++)
        {
            for (var tap = 0; tap < kernel.Length; tap++)
            {
                if (kernel[tap] != 0)
                    Add(padded.AsSpan((y + tap / side) * stride + tap % side, width), kernel[tap], plane.Slice(y * width, width));
            }
        }
    }

    private static void Pad(ReadOnlySpan<double> line, int radius, Border border, Span<double> padded)
    {
        line.CopyTo(padded[radius..]);
        for (var i = 1; i <= radius; i++)
        {
            padded[radius - i] = line[At(-i, line.Length, border)];
            padded[radius + line.Length - 1 + i] = line[At(line.Length - 1 + i, line.Length, border)];
        }
    }

    private static void Add(ReadOnlySpan<double> values, double weight, Span<double> sum)
    {
        var i = 0;
        for (; i <= sum.Length - Vector<double>.Count; i += Vector<double>.Count)
            (new Vector<double>(sum[i..]) + weight * new Vector<double>(values[i..])).CopyTo(sum[i..]);
        for (; i < sum.Length; i++)
            sum[i] += weight * values[i];
    }
}
