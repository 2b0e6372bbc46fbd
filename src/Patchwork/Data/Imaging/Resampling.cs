namespace Patchwork.Data;

/// <summary>
/// Resizing with a triangle filter that widens with the scale, so that nothing aliases: what Pillow and torchvision call bilinear with
/// antialiasing.
/// </summary>
internal static class Resampling
{
    /// <summary>
    /// The largest centred window of the wanted proportions, resized to <paramref name="rows"/> × <paramref name="columns"/> over white: R,
    /// G, B per pixel on 0 to 255, row by row. <paramref name="rgba"/> is premultiplied, <paramref name="height"/> ×
    /// <paramref name="width"/> pixels in rows of <paramref name="rowBytes"/> bytes.
    /// </summary>
    public static float[] Of(ReadOnlySpan<byte> rgba, int height, int width, int rowBytes, int rows, int columns)
    {
        // Source pixels per wanted pixel; the window's corners need not lie on pixels, so flipped pictures give flipped results.
        var scale = Math.Min((double)height / rows, (double)width / columns);
        var vertical = Taps(height, rows, scale);
        var horizontal = Taps(width, columns, scale);
        var result = new float[rows * columns * 3];
        var (first, end) = (vertical[0].First, vertical[^1].First + vertical[^1].Weights.Length);
        var lines = new float[(end - first) * columns * 3];      // only the source rows that the window needs
        for (var y = first; y < end; y++)
            Squeeze(rgba.Slice(y * rowBytes, width * 4), horizontal, lines.AsSpan((y - first) * columns * 3, columns * 3));
        for (var y = 0; y < rows; y++)
        {
            var output = result.AsSpan(y * columns * 3, columns * 3);
            var (start, weights) = vertical[y];
            for (var tap = 0; tap < weights.Length; tap++)
            {
                var line = lines.AsSpan((start - first + tap) * columns * 3, columns * 3);
                for (var i = 0; i < output.Length; i++)
                    output[i] += weights[tap] * line[i];
            }
        }
        return result;
    }

    private static void Squeeze(ReadOnlySpan<byte> rgba, (int First, float[] Weights)[] taps, Span<float> output)
    {
        for (var x = 0; x < taps.Length; x++)
        {
            var (first, weights) = taps[x];
            var (red, green, blue) = (0f, 0f, 0f);
            for (var tap = 0; tap < weights.Length; tap++)
            {
                var pixel = rgba.Slice((first + tap) * 4, 4);
                var white = 255 - pixel[3];      // premultiplied colour plus what shows through of white
                red += weights[tap] * (pixel[0] + white);
                green += weights[tap] * (pixel[1] + white);
                blue += weights[tap] * (pixel[2] + white);
            }
            (output[3 * x], output[3 * x + 1], output[3 * x + 2]) = (red, green, blue);
        }
    }

    // For each of `count` wanted pixels along an axis of `length`: the source pixels that enter it and their weights, which sum to 1.
    private static (int First, float[] Weights)[] Taps(int length, int count, double scale)
    {
        var taps = new (int First, float[] Weights)[count];
        var start = (length - count * scale) / 2;
        var support = Math.Max(scale, 1);
        for (var i = 0; i < count; i++)
        {
            var center = start + (i + 0.5) * scale;
            var first = Math.Max(0, (int)Math.Floor(center - support));
            var last = Math.Min(length - 1, (int)Math.Ceiling(center + support));
            var weights = new double[last - first + 1];
            for (var j = first; j <= last; j++)
                weights[j - first] = Math.Max(0, 1 - Math.Abs(j + 0.5 - center) / support);
            var sum = weights.Sum();
            taps[i] = (first, [.. weights.Select(weight => (float)(weight / sum))]);
        }
        return taps;
    }
}
