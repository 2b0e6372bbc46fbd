using System.Globalization;
using System.Text;
using Patchwork.Evaluation;
using static Patchwork.Reporting.Charts;

namespace Patchwork.Reporting;

/// <summary>
/// Confusion matrices as inline SVG, a pure function of the data: right answers on the diagonal in one hue, mistakes in another, tinted by
/// the share of the row. Few classes have the share in every cell; many have small cells with the names beside them, and the numbers come
/// up on pointing at a cell. Beneath stand the most frequent mistakes in words.
/// </summary>
public static class MatrixCharts
{
    private const int Few = 16, Worst = 5;
    private const double Small = 12, SmallText = 10;

    /// <summary>Draws the chart: up to 16 classes as wide as a page, more at the size that its names need.</summary>
    public static string Matrix(MatrixChart chart) => Draw(chart, 720);

    /// <summary>The same for half the width of a page.</summary>
    internal static string Narrow(MatrixChart chart) => Draw(chart, 360);

    private static string Draw(MatrixChart chart, double width)
    {
        var (names, n) = (chart.Names, chart.Names.Count);
        var (isSmall, page) = (n > Few, width);
        var text = isSmall ? SmallText : 13;
        // About as wide as a name is in letters of the size.
        double Wide(string name) => WidthOf(name) * text / 13;
        var left = Math.Min(names.Max(Wide) + 10, isSmall ? 160 : width / 2);
        var cell = isSmall ? Small : Math.Min(44, (width - left) / n);
        if (isSmall)
            width = Math.Max(width, left + n * cell + 4);
        var title = Wrapped(chart.Title, width * 13 / 17);
        var head = title.Count * LineHeight + 26;
        var top = head + names.Max(Wide) + 8;
        var mistakes = Mistakes(chart).ToArray();
        var lines = mistakes.Length == 0 ? [] : Wrapped("Most often taken for another: " + string.Join("; ", mistakes) + ".", page * 1.05);
        var svg = new StringBuilder();
        void Add(FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

        var bottom = top + n * cell;
        var spoken = $"{chart.Title}: {n} true classes in rows, predicted classes in columns. {string.Join("; ", mistakes)}";
        var box = $"0 0 {N(width)} {N(bottom + 14 + lines.Count * LineHeight)}";
        var style = isSmall ? $"style=\"width:{N(width)}px;max-width:none\" " : "";
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{box}\" role=\"img\" aria-label=\"{Text(spoken)}\"");
        // Small letters must not be shrunk to the page's width: the figure scrolls.
        Add($"  {style}font-family=\"system-ui, sans-serif\" font-size=\"{N(text)}\" fill=\"currentColor\">");
        Add($"<title>{Text(chart.Title)}</title>");
        foreach (var (i, line) in title.Index())
            Add($"<text x=\"0\" y=\"{N(20 + i * LineHeight)}\" font-size=\"16\" font-weight=\"600\">{Text(line)}</text>");
        const string reading = "true class in rows, answer in columns, % of the row";
        Add($"<text x=\"0\" y=\"{N(head - 6)}\" font-size=\"13\" fill-opacity=\"0.8\">{reading}</text>");
        foreach (var (k, name) in names.Index())
        {
            var (y, x) = (top + k * cell + cell / 2 + text * 0.35, left + k * cell + cell / 2 + text * 0.35);
            Add($"<text x=\"{N(left - 6)}\" y=\"{N(y)}\" text-anchor=\"end\">{Text(name)}</text>");
            Add($"<text transform=\"translate({N(x)} {N(top - 6)}) rotate(-90)\">{Text(name)}</text>");
            var sum = chart.Counts[k].Sum();
            for (var c = 0; c < n; c++)
            {
                var count = chart.Counts[k][c];
                var share = sum > 0 ? count / sum : 0;
                var place = FormattableString.Invariant(
                    $"x=\"{N(left + c * cell)}\" y=\"{N(top + k * cell)}\" width=\"{N(cell)}\" height=\"{N(cell)}\"");
                if (count == 0)
                    continue;
                var colour = c == k ? "var(--series-1, #0072b2)" : "var(--series-2, #d55e00)";
                // A mistake of a few percent is to be seen: the root of the share.
                var tint = N(0.08 + 0.6 * Math.Sqrt(share));
                var said = $"{name} taken for {names[c]}: {Count(count)} of {Count(sum)}";
                Add($"<rect {place} fill=\"{colour}\" fill-opacity=\"{tint}\"><title>{Text(said)}</title></rect>");
                if (!isSmall && cell >= 24)
                {
                    var centre = N(left + (c + 0.5) * cell);
                    Add($"<text x=\"{centre}\" y=\"{N(y)}\" text-anchor=\"middle\" pointer-events=\"none\">{100 * share:F0}</text>");
                }
            }
        }
        var frame = $"x=\"{N(left)}\" y=\"{N(top)}\" width=\"{N(n * cell)}\" height=\"{N(n * cell)}\"";
        Add($"<rect {frame} fill=\"none\" stroke=\"currentColor\" stroke-opacity=\"0.3\"/>");
        foreach (var (i, line) in lines.Index())
            Add($"<text x=\"0\" y=\"{N(bottom + 22 + i * LineHeight)}\" font-size=\"13\">{Text(line)}</text>");
        return svg.Append("</svg>\n").ToString();
    }

    private static IEnumerable<string> Mistakes(MatrixChart chart) =>
        (from k in Enumerable.Range(0, chart.Names.Count)
         from c in Enumerable.Range(0, chart.Names.Count)
         where c != k && chart.Counts[k][c] > 0
         orderby chart.Counts[k][c] descending
         select $"{chart.Names[k]} as {chart.Names[c]} {Count(chart.Counts[k][c])} of {Count(chart.Counts[k].Sum())}").Take(Worst);

    private static string Count(double count) => count.ToString("0.##", CultureInfo.InvariantCulture);
}
