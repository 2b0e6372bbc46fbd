namespace Patchwork.Evaluation;

/// <summary>A contour of a thresholded score map.</summary>
/// <param name="Box">The box around it, far ends one past its last pixel and clipped to the map's last row and column.</param>
/// <param name="Area">The area of the polygon through the centres of its pixels: 0 for a line or a single pixel.</param>
public readonly record struct Contour(InclusiveBox Box, double Area);

/// <summary>
/// The contours of a score map at a threshold, as OpenCV's findContours (tree mode) and contourArea give them to clovaai/wsolevaluation: the outer border of each
/// 8-connected component, and around each hole in one the component's pixels next to it.
/// </summary>
/// <remarks>
/// Nothing is traced. A border runs through the centres of pixels, so what it encloses is made of the squares between four neighbouring centres: whole ones, and
/// triangles of half the area where it cuts a corner.
/// </remarks>
public static class Contours
{
    /// <summary>The contours, in OpenCV's order: those that begin further down and right come first.</summary>
    /// <param name="scores">The map, height · width values in [0, 1], row by row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="threshold">τ in [0, 1): pixels whose 255·score, truncated, is above τ times the largest, truncated too, are foreground.</param>
    public static IReadOnlyList<Contour> Of(ReadOnlySpan<float> scores, int height, int width, double threshold)
    {
        // A frame of background, so that all of the outside is one region.
        var (rows, columns) = (height + 2, width + 2);
        var foreground = new bool[rows * columns];
        var levels = new byte[scores.Length];
        byte top = 0;
        for (var i = 0; i < scores.Length; i++)
            top = Math.Max(top, levels[i] = (byte)(scores[i] * 255));
        var least = (int)(threshold * top);
        for (var i = 0; i < scores.Length; i++)
            foreground[(i / width + 1) * columns + i % width + 1] = levels[i] > least;

        var found = new List<(int Start, Contour Contour)>();
        var labels = new int[rows * columns];
        Flood(foreground, labels, 0, 1, columns, eight: false);      // the outside
        var label = 1;
        for (var start = 0; start < labels.Length; start++)
        {
            if (labels[start] != 0)
                continue;
            var pixels = Flood(foreground, labels, start, ++label, columns, eight: foreground[start]);
            var (first, last, left, right) = (pixels.Min() / columns, pixels.Max() / columns, pixels.Min(p => p % columns), pixels.Max(p => p % columns));
            if (foreground[start])
                found.Add((start, new Contour(Clipped(first, left, last, right), OuterArea(pixels, first, left, last, right, columns))));
            else      // a hole, seen from its rim: its border begins at the pixel before it
                found.Add((start - 1, new Contour(Clipped(first - 1, left - 1, last + 1, right + 1), HoleArea(pixels, columns))));
        }
        return [.. found.OrderByDescending(one => one.Start).Select(one => one.Contour)];

        InclusiveBox Clipped(int firstRow, int firstColumn, int lastRow, int lastColumn) =>
            new(firstColumn - 1, firstRow - 1, Math.Min(lastColumn, width - 1), Math.Min(lastRow, height - 1));
    }

    /// <summary>The box of the contour with the largest area, the first of several; all zero where nothing is above the threshold.</summary>
    /// <inheritdoc cref="Of"/>
    public static InclusiveBox Largest(ReadOnlySpan<float> scores, int height, int width, double threshold) => Largest(Of(scores, height, width, threshold));

    internal static InclusiveBox Largest(IReadOnlyList<Contour> contours) => contours.Count == 0 ? default : contours.MaxBy(contour => contour.Area).Box;

    private static List<int> Flood(bool[] foreground, int[] labels, int start, int label, int columns, bool eight)
    {
        var pixels = new List<int> { start };
        labels[start] = label;
        int[] steps = eight ? [-1, 1, -columns, columns, -columns - 1, -columns + 1, columns - 1, columns + 1] : [-1, 1, -columns, columns];
        for (var i = 0; i < pixels.Count; i++)
        {
            foreach (var step in steps)
            {
                var next = pixels[i] + step;
                if (next < 0 || next >= labels.Length || labels[next] != 0 || foreground[next] != foreground[start] || Math.Abs(next % columns - pixels[i] % columns) > 1)
                    continue;
                labels[next] = label;
                pixels.Add(next);
            }
        }
        return pixels;
    }

    // Everything that is not reached from outside is enclosed: four enclosed centres make a square, three a triangle.
    private static double OuterArea(List<int> pixels, int top, int left, int bottom, int right, int columns)
    {
        var (rows, wide) = (bottom - top + 3, right - left + 3);
        var own = new bool[rows * wide];
        foreach (var pixel in pixels)
            own[(pixel / columns - top + 1) * wide + pixel % columns - left + 1] = true;
        var reached = new int[own.Length];
        Flood(own, reached, 0, 1, wide, eight: false);
        var twice = 0L;
        for (var y = 0; y + 1 < rows; y++)
        {
            for (var x = 0; x + 1 < wide; x++)
            {
                var i = y * wide + x;
                var enclosed = 4 - reached[i] - reached[i + 1] - reached[i + wide] - reached[i + wide + 1];
                twice += enclosed == 4 ? 2 : enclosed == 3 ? 1 : 0;
            }
        }
        return twice / 2.0;
    }

    // Around a hole the border passes through the centres next to it: a square with one corner in the hole is cut to a triangle, with more it is whole.
    private static double HoleArea(List<int> pixels, int columns)
    {
        var corners = new Dictionary<int, int>();
        foreach (var pixel in pixels)
        {
            foreach (var square in (int[])[pixel, pixel - 1, pixel - columns, pixel - columns - 1])
                corners[square] = corners.GetValueOrDefault(square) + 1;
        }
        return corners.Values.Sum(count => count == 1 ? 0.5 : 1);
    }
}
