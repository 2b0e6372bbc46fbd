namespace Patchwork.Evaluation;

/// <summary>A contour of a thresholded score map.</summary>
/// <param name="Box">The box around it, whose far ends are one past its last pixel, clipped to the map's last row and column.</param>
/// <param name="Area">The area of the polygon through the centres of its pixels: 0 for a line or a single pixel.</param>
public readonly record struct Contour(InclusiveBox Box, double Area);

/// <summary>
/// Finds the contours of a score map at thresholds, as clovaai/wsolevaluation does with OpenCV's findContours (tree mode) and contourArea:
/// the outer border of each 8-connected component and, for each hole in a component, the component's pixels next to the hole. Not
/// thread-safe: all thresholds share its buffers.
/// </summary>
/// <remarks>
/// Borders are not traced. A border runs through the centres of pixels, so the area that it encloses consists of the squares between four
/// neighbouring centres: whole ones, and triangles of half the area where it cuts a corner.
/// </remarks>
public sealed class Contours
{
    // Labels that are not components: the wall, pixels that are not reached yet, and the background outside.
    private const int Wall = -1, Open = 0, Outside = 1;

    // The map has a frame of background, so that everything outside is one region, and around the frame a wall, so that no step leaves the
    // grid.
    private const int Frame = 2;

    private readonly int height, width, columns;
    private readonly byte[] levels;      // of the grid, 0 in the frame
    private readonly int[] labels, pixels, fresh, around, beside;
    private readonly bool[] foreground;
    private readonly byte top;

    /// <summary>Prepares a map.</summary>
    /// <param name="scores">The map, height · width values in [0, 1], row by row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    public Contours(ReadOnlySpan<float> scores, int height, int width)
    {
        (this.height, this.width, columns) = (height, width, width + 2 * Frame);
        var rows = height + 2 * Frame;
        (levels, foreground, labels, pixels, fresh) =
            (new byte[rows * columns], new bool[rows * columns], new int[rows * columns], new int[rows * columns], new int[rows * columns]);
        (beside, around) = ([-1, 1, -columns, columns], [-1, 1, -columns, columns, -columns - 1, -columns + 1, columns - 1, columns + 1]);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
                top = Math.Max(top, levels[(y + Frame) * columns + x + Frame] = (byte)(scores[y * width + x] * 255));
        }
        for (var i = 0; i < fresh.Length; i++)
            fresh[i] = i / columns == 0 || i / columns == rows - 1 || i % columns == 0 || i % columns == columns - 1 ? Wall : Open;
    }

    /// <summary>Converts a threshold to a level: pixels of a higher level are foreground. The same level gives the same contours.</summary>
    /// <param name="threshold">
    /// τ in [0, 1): pixels whose truncated 255·score exceeds the truncated product of τ and the largest one are foreground.
    /// </param>
    public int Level(double threshold) => (int)(threshold * top);

    /// <summary>Returns the contours in OpenCV's order: those that start further down and right come first.</summary>
    /// <inheritdoc cref="Level"/>
    public IReadOnlyList<Contour> At(double threshold)
    {
        var level = Level(threshold);
        for (var i = 0; i < levels.Length; i++)
            foreground[i] = levels[i] > level;
        fresh.CopyTo(labels, 0);
        var found = new List<(int Start, Contour Contour)>();
        Flood(columns + 1, Outside, beside);
        var label = Outside;
        for (var start = 0; start < labels.Length; start++)
        {
            if (labels[start] != Open)
                continue;
            var count = Flood(start, ++label, foreground[start] ? around : beside);
            var region = pixels.AsSpan(0, count);
            var (first, last, left, right) = (start / columns, 0, int.MaxValue, 0);
            foreach (var pixel in region)
            {
                last = Math.Max(last, pixel);
                (left, right) = (Math.Min(left, pixel % columns), Math.Max(right, pixel % columns));
            }
            last /= columns;
            if (foreground[start])
                found.Add((start, new Contour(Clipped(first, left, last, right), OuterArea(label, first, left, last, right))));
            else      // a hole: its border starts at the pixel before it
                found.Add((start - 1, new Contour(Clipped(first - 1, left - 1, last + 1, right + 1), HoleArea(region))));
        }
        return [.. found.OrderByDescending(one => one.Start).Select(one => one.Contour)];

        InclusiveBox Clipped(int firstRow, int firstColumn, int lastRow, int lastColumn) =>
            new(firstColumn - Frame, firstRow - Frame, Math.Min(lastColumn - Frame + 1, width - 1),
                Math.Min(lastRow - Frame + 1, height - 1));
    }

    /// <summary>Returns the box of the contour with the largest area, the first one of several; all zero if there is no contour.</summary>
    public static InclusiveBox Largest(IReadOnlyList<Contour> contours) =>
        contours.Count == 0 ? default : contours.MaxBy(contour => contour.Area).Box;

    // Labels the region of equal pixels around a pixel and lists it at the start of the buffer.
    private int Flood(int start, int label, int[] steps)
    {
        var (count, like) = (1, foreground[start]);
        pixels[0] = start;
        labels[start] = label;
        for (var i = 0; i < count; i++)
        {
            foreach (var step in steps)
            {
                var next = pixels[i] + step;
                if (labels[next] != Open || foreground[next] != like)
                    continue;
                labels[next] = label;
                pixels[count++] = next;
            }
        }
        return count;
    }

    // Everything that cannot be reached from outside the component is enclosed: four enclosed centres make a square, three a triangle.
    private double OuterArea(int label, int top, int left, int bottom, int right)
    {
        var (rows, wide) = (bottom - top + 3, right - left + 3);
        var reached = new bool[rows * wide];
        var open = new Stack<int>([0]);
        reached[0] = true;
        while (open.TryPop(out var i))
        {
            var (y, x) = (i / wide, i % wide);
            Reach(y > 0, i - wide, y - 1, x);
            Reach(y < rows - 1, i + wide, y + 1, x);
            Reach(x > 0, i - 1, y, x - 1);
            Reach(x < wide - 1, i + 1, y, x + 1);
        }
        var twice = 0L;
        for (var y = 0; y + 1 < rows; y++)
        {
            for (var x = 0; x + 1 < wide; x++)
            {
                var i = y * wide + x;
                var outside = (reached[i] ? 1 : 0) + (reached[i + 1] ? 1 : 0) + (reached[i + wide] ? 1 : 0)
                    + (reached[i + wide + 1] ? 1 : 0);
                twice += outside == 0 ? 2 : outside == 1 ? 1 : 0;
            }
        }
        return twice / 2.0;

        void Reach(bool inside, int i, int y, int x)
        {
            if (!inside || reached[i] || labels[(top + y - 1) * columns + left + x - 1] == label)
                return;
            reached[i] = true;
            open.Push(i);
        }
    }

    // Around a hole the border passes through the centres next to it: a square with one corner in the hole is cut to a triangle, one with
    // more corners in it is whole.
    private double HoleArea(ReadOnlySpan<int> hole)
    {
        var corners = new Dictionary<int, int>();
        foreach (var pixel in hole)
        {
            foreach (var square in (ReadOnlySpan<int>)[pixel, pixel - 1, pixel - columns, pixel - columns - 1])
                corners[square] = corners.GetValueOrDefault(square) + 1;
        }
        return corners.Values.Sum(count => count == 1 ? 0.5 : 1);
    }
}
