using System.Numerics;

namespace Patchwork.Evaluation;

/// <summary>
/// An enlargement about the centre that keeps the image's size (<c>clipped_zoom</c> of make_cifar_c.py): the middle ⌈size / factor⌉ pixels,
/// interpolated linearly with aligned corners and cropped to the size.
/// </summary>
internal sealed class ClippedZoom
{
    private readonly int height, width;
    private readonly Axis rows, columns;

    public ClippedZoom(int height, int width, double factor) =>
        (this.height, this.width, rows, columns) = (height, width, Axis.Of(height, factor), Axis.Of(width, factor));

    /// <summary>Adds the enlarged plane to <paramref name="sum"/>.</summary>
    public void Add(ReadOnlySpan<double> plane, Span<double> sum)
    {
        var line = new double[width];
        ReadOnlySpan<int> first = columns.First, second = columns.Second;
        ReadOnlySpan<double> share = columns.Share;
        for (var y = 0; y < height; y++)
        {
            Between(plane.Slice(rows.First[y] * width, width), plane.Slice(rows.Second[y] * width, width), rows.Share[y], line);
            var target = sum.Slice(y * width, width);
            for (var x = 0; x < target.Length; x++)
            {
                var left = line[first[x]];
                target[x] += left + share[x] * (line[second[x]] - left);
            }
        }
    }

    private static void Between(ReadOnlySpan<double> upper, ReadOnlySpan<double> lower, double share, Span<double> line)
    {
        var x = 0;
        for (; x <= line.Length - Vector<double>.Count; x += Vector<double>.Count)
        {
            var above = new Vector<double>(upper[x..]);
            (above + share * (new Vector<double>(lower[x..]) - above)).CopyTo(line[x..]);
        }
        for (; x < line.Length; x++)
            line[x] = upper[x] + share * (lower[x] - upper[x]);
    }

    // The two source pixels between which each enlarged pixel lies, and the weight of the second.
    private sealed record Axis(int[] First, int[] Second, double[] Share)
    {
        public static Axis Of(int length, double factor)
        {
            var crop = (int)Math.Ceiling(length / factor);
            var start = (length - crop) / 2;
            var zoomed = (int)Math.Round(crop * factor);
            var trim = (zoomed - length) / 2;
            var axis = new Axis(new int[length], new int[length], new double[length]);
            for (var i = 0; i < length; i++)
            {
                var place = zoomed > 1 ? (i + trim) * (crop - 1.0) / (zoomed - 1) : 0;
                var first = Math.Min((int)place, crop - 1);
                (axis.First[i], axis.Second[i], axis.Share[i]) = (start + first, start + Math.Min(first + 1, crop - 1), place - first);
            }
            return axis;
        }
    }
}
