using System.Globalization;
using System.Text;
using Patchwork.Evaluation;
using static Patchwork.Reporting.Charts;

namespace Patchwork.Reporting;

/// <summary>
/// Draws confusion matrices as inline SVG, as a pure function of the data: correct predictions on the diagonal in one hue, mistakes in
/// another, tinted by their share of the row. With few classes every cell shows its share; with many, the cells are small and show their
/// numbers in a tooltip. The most frequent mistakes are listed below the matrix.
/// </summary>
public static class MatrixCharts
{
    private const int Few = 16, Worst = 5;
    private const double Small = 12, SmallText = 10;

    /// <summary>
    /// Draws the chart at the width of a page; with more than 16 classes it may be wider, so that the names stay readable.
    /// </summary>
    public static string Matrix(MatrixChart chart) => Draw(chart, 720);

    /// <summary>Draws the chart for half the width of a page.</summary>
    internal static string Narrow(MatrixChart chart) => Draw(chart, 360);

    private static string Draw(MatrixChart chart, double width)
    {
        var (names, n) = (chart.Names, chart.Names.Count);
        var (isSmall, page) = (n > Few, width);
        var text = isSmall ? SmallText : 13;
        // The estimated width of a name at this font size.
        double Wide(string name) => WidthOf(name) * text / 13;
        var left = Math.Min(names.Max(Wide) + 10, isSmall ? 160 : width / 2);
        var cell = isSmall ? Small : Math.Min(44, (width - left) / n);
        if (isSmall)
            width = Math.Max(width, left + n * cell + 4);
        var title = Wrapped(chart.Title, width * 13 / 17);
        var head = title.Count * LineHeight + 26;
        var top = head + names.Max(Wide) + 8;
        var mistakes = Mistakes(chart).ToArray();
        var lines = mistakes.Length == 0 ? [] : Wrapped("Most frequent mistakes: " + string.Join("; ", mistakes) + ".", page * 1.05);
        var svg = new StringBuilder();
        void Add(FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

        var bottom = top + n * cell;
        var spoken = $"{chart.Title}: {n} true classes in rows, predicted classes in columns. {string.Join("; ", mistakes)}";
        var box = $"0 0 {N(width)} {N(bottom + 14 + lines.Count * LineHeight)}";
        var style = isSmall ? $"style=\"width:{N(width)}px;max-width:none\" " : "";
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{box}\" role=\"img\" aria-label=\"{Text(spoken)}\"");
        // Small text must not shrink to the page's width: the figure scrolls instead.
        Add($"  {style}font-family=\"system-ui, sans-serif\" font-size=\"{N(text)}\" fill=\"currentColor\">");
        Add($"<title>{Text(chart.Title)}</title>");
        foreach (var (i, line) in title.Index())
            Add($"<text x=\"0\" y=\"{N(20 + i * LineHeight)}\" font-size=\"16\" font-weight=\"600\">{Text(line)}</text>");
        const string reading = "rows: true class, columns: prediction, % of the row";
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
                // The square root of the share keeps mistakes of a few percent visible.
                var tint = N(0.08 + 0.6 * Math.Sqrt(share));
                var said = $"{name} predicted as {names[c]}: {Count(count)} of {Count(sum)}";
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
