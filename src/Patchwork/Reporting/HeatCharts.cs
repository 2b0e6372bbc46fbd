using System.Globalization;
using System.Text;
using Patchwork.Evaluation;
using static Patchwork.Reporting.Charts;

namespace Patchwork.Reporting;

/// <summary>
/// Draws tables of tinted numbers as inline SVG, as a pure function of the data. There is one hue, from faint to strong, and a number in
/// every cell, so nothing depends on telling colours apart; the tint stays pale enough for the text to be readable on light and dark pages.
/// </summary>
public static class HeatCharts
{
    private const double RowHeight = 20, Gap = 8, HeadHeight = 50, Strongest = 0.5;

    /// <summary>Draws the chart; it scales to the width of the page.</summary>
    public static string Table(HeatChart chart) => Table(chart, 720, [chart.Groups]);

    /// <summary>Draws the chart for half the width of a page: as many columns side by side as fit, the others below.</summary>
    internal static string Narrow(HeatChart chart)
    {
        const double width = 360;
        var cell = Math.Max(30, 6 + Finite(chart).Max(value => WidthOf(Number(value))));
        var fitting = Math.Max(1, (int)((width - Left(chart)) / cell));
        return Table(chart, width, [.. from whole in chart.Groups from columns in Enumerable.Range(0, whole.Columns.Count).Chunk(fitting)
            select (IReadOnlyList<HeatGroup>)[Part(whole, columns)]]);
    }

    private static HeatGroup Part(HeatGroup group, int[] columns) => new(group.Title, [.. columns.Select(c => group.Columns[c])],
        [.. group.Values.Select(row => (IReadOnlyList<double>)[.. columns.Select(c => row[c])])]);

    private static double Left(HeatChart chart) => 14 + 7.5 * chart.Rows.Max(row => row.Length);

    private static IEnumerable<double> Finite(HeatChart chart) => chart.Groups.SelectMany(group => group.Values).SelectMany(row => row)
        .Where(double.IsFinite).DefaultIfEmpty(0);

    private static string Number(double value) => value.ToString("F0", CultureInfo.InvariantCulture);

    // The groups of a block are side by side, the blocks one below the other.
    private static string Table(HeatChart chart, double width, IReadOnlyList<IReadOnlyList<HeatGroup>> blocks)
    {
        var (rows, left) = (chart.Rows, Left(chart));
        var cell = blocks.Min(groups => (width - left - Gap * (groups.Count - 1)) / groups.Sum(group => group.Columns.Count));
        var (low, high) = (Finite(chart).Min(), Finite(chart).Max());
        var title = Wrapped(chart.Title, width * 13 / 17);      // bold, at font size 16
        var svg = new StringBuilder();
        void Add(FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

        var blockHeight = HeadHeight + rows.Count * RowHeight + 8;
        var box = $"0 0 {N(width)} {N(title.Count * LineHeight + blocks.Count * blockHeight)}";
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{box}\" role=\"img\" aria-label=\"{Text(chart.Description)}\"");
        Add($"  font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"currentColor\">");
        Add($"<title>{Text(chart.Title)}</title>");
        foreach (var (i, line) in title.Index())
            Add($"<text x=\"0\" y=\"{N(20 + i * LineHeight)}\" font-size=\"16\" font-weight=\"600\">{Text(line)}</text>");
        foreach (var (b, groups) in blocks.Index())
        {
            var head = title.Count * LineHeight + b * blockHeight;
            var top = head + HeadHeight;
            foreach (var (r, row) in rows.Index())
                Add($"<text x=\"0\" y=\"{N(top + r * RowHeight + 15)}\">{Text(row)}</text>");
            var x = left;
            foreach (var group in groups)
            {
                Add($"<text x=\"{N(x)}\" y=\"{N(head + 22)}\" font-weight=\"600\">{Text(group.Title)}</text>");
                foreach (var (c, column) in group.Columns.Index())
                {
                    Add($"<text x=\"{N(x + (c + 0.5) * cell)}\" y=\"{N(head + 42)}\" text-anchor=\"middle\">{Text(column)}</text>");
                    foreach (var (r, row) in group.Values.Index())
                    {
                        if (!double.IsFinite(row[c]))
                            continue;
                        var strength = high > low ? Strongest * (row[c] - low) / (high - low) : 0;
                        var place = $"x=\"{N(x + c * cell)}\" y=\"{N(top + r * RowHeight)}\" width=\"{N(cell)}\" height=\"{N(RowHeight)}\"";
                        Add($"<rect {place} fill=\"var(--series-2, #d55e00)\" fill-opacity=\"{N(strength)}\"/>");
                        place = $"x=\"{N(x + (c + 0.5) * cell)}\" y=\"{N(top + r * RowHeight + 15)}\"";
                        Add($"<text {place} text-anchor=\"middle\">{Number(row[c])}</text>");
                    }
                }
                x += group.Columns.Count * cell + Gap;
            }
        }
        return svg.Append("</svg>\n").ToString();
    }
}
