using Patchwork.Imaging;

namespace Patchwork.Evaluation;

/// <summary>
/// Computes the light on drops: edges (Canny, "A Computational Approach to Edge Detection", PAMI 1986), the distance to them up to 20
/// pixels, equalized and lit from one side. The steps are those of OpenCV, with bytes between the steps.
/// </summary>
internal static class Relief
{
    /// <summary>Returns the brightness of each pixel of an image of drops (0 where there is no drop).</summary>
    public static byte[] Of(ReadOnlySpan<byte> drops, int height, int width)
    {
        var distance = Distances(Edges(drops, height, width, low: 50, high: 150), height, width);
        foreach (ref var value in distance.AsSpan())
            value = Math.Min(value, 20);
        ReadOnlySpan<double> mean = [1 / 9.0, 1 / 9.0, 1 / 9.0, 1 / 9.0, 1 / 9.0, 1 / 9.0, 1 / 9.0, 1 / 9.0, 1 / 9.0];
        Convolution.Square(distance, height, width, mean, 3, Border.Mirror);
        var lit = Equalized([.. distance.Select(value => (byte)value)]);
        Convolution.Square(lit, height, width, [-2, -1, 0, -1, 1, 1, 0, 1, 2], 3, Border.Mirror);
        foreach (ref var value in lit.AsSpan())
            value = Math.Clamp(value, 0, 255);
        Convolution.Square(lit, height, width, mean, 3, Border.Mirror);
        return [.. lit.Select(value => (byte)Math.Round(value))];
    }

    /// <summary>Canny edges from Sobel gradients in the L1 norm.</summary>
    private static bool[] Edges(ReadOnlySpan<byte> image, int height, int width, int low, int high)
    {
        var (across, down, size) = (new int[image.Length], new int[image.Length], new int[image.Length]);
        for (var i = 0; i < image.Length; i++)
        {
            var (y, x) = (i / width, i % width);
            var (above, below) = (Math.Max(y - 1, 0) * width, Math.Min(y + 1, height - 1) * width);
            var (left, right, row) = (Math.Max(x - 1, 0), Math.Min(x + 1, width - 1), y * width);
            across[i] = image[above + right] - image[above + left] + 2 * (image[row + right] - image[row + left])
                + image[below + right] - image[below + left];
            down[i] = image[below + left] - image[above + left] + 2 * (image[below + x] - image[above + x])
                + image[below + right] - image[above + right];
            size[i] = Math.Abs(across[i]) + Math.Abs(down[i]);
        }
        var (candidate, edge, open) = (new bool[image.Length], new bool[image.Length], new Stack<int>());
        for (var i = 0; i < size.Length; i++)
        {
            candidate[i] = size[i] > low && IsRidge(i);
            if (candidate[i] && size[i] > high)
            {
                edge[i] = true;
                open.Push(i);
            }
        }
        // Weak candidates count as edges if they are connected to a strong one.
        while (open.TryPop(out var i))
        {
            for (var y = Math.Max(i / width - 1, 0); y <= Math.Min(i / width + 1, height - 1); y++)
            {
                for (var x = Math.Max(i % width - 1, 0); x <= Math.Min(i % width + 1, width - 1); x++)
                {
                    if (candidate[y * width + x] && !edge[y * width + x])
                    {
                        edge[y * width + x] = true;
                        open.Push(y * width + x);
                    }
                }
            }
        }
        return edge;

        // Whether the gradient is largest along its direction, which is rounded to an eighth of a circle.
        bool IsRidge(int i)
        {
            var (y, x, m) = (i / width, i % width, size[i]);
            var (right, bottom) = (Math.Abs(across[i]), Math.Abs(down[i]));
            if (bottom < right * 0.41421356)
                return m > Size(y, x - 1) && m >= Size(y, x + 1);
            if (bottom > right * 2.41421356)
                return m > Size(y - 1, x) && m >= Size(y + 1, x);
            var slant = (across[i] ^ down[i]) < 0 ? -1 : 1;
            return m > Size(y - 1, x - slant) && m > Size(y + 1, x + slant);
        }

        int Size(int y, int x) => (uint)y < (uint)height && (uint)x < (uint)width ? size[y * width + x] : 0;
    }

    /// <summary>
    /// Distance to the nearest edge in steps of a 5×5 neighbourhood: 1, 1.4 and 2.1969 (Borgefors, "Distance Transformations in Digital
    /// Images", 1986).
    /// </summary>
    private static double[] Distances(ReadOnlySpan<bool> edges, int height, int width)
    {
        ReadOnlySpan<(int Y, int X, double Length)> before =
            [(-2, -1, 2.1969), (-2, 1, 2.1969), (-1, -2, 2.1969), (-1, -1, 1.4), (-1, 0, 1), (-1, 1, 1.4), (-1, 2, 2.1969), (0, -1, 1)];
        var distance = new double[edges.Length];
        for (var i = 0; i < edges.Length; i++)
            distance[i] = edges[i] ? 0 : double.PositiveInfinity;
        for (var i = 0; i < edges.Length; i++)
            distance[i] = Nearest(i, 1, before);
        for (var i = edges.Length - 1; i >= 0; i--)
            distance[i] = Nearest(i, -1, before);
        return distance;

        double Nearest(int i, int direction, ReadOnlySpan<(int Y, int X, double Length)> steps)
        {
            var least = distance[i];
            foreach (var (stepY, stepX, length) in steps)
            {
                var (y, x) = (i / width + direction * stepY, i % width + direction * stepX);
                if ((uint)y < (uint)height && (uint)x < (uint)width)
                    least = Math.Min(least, distance[y * width + x] + length);
            }
            return least;
        }
    }

    /// <summary>Histogram equalization.</summary>
    private static double[] Equalized(byte[] image)
    {
        var counts = new int[256];
        foreach (var value in image)
            counts[value]++;
        var first = Array.FindIndex(counts, count => count > 0);
        if (counts[first] == image.Length)
            return [.. image.Select(value => (double)value)];
        var scale = 255.0 / (image.Length - counts[first]);
        var (levels, sum) = (new double[256], 0);
        for (var level = first + 1; level < 256; level++)
            levels[level] = Math.Round((sum += counts[level]) * scale);
        return [.. image.Select(value => levels[value])];
    }
}
