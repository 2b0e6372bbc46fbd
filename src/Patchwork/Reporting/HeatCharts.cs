using System.Globalization;
using System.Text;
using Patchwork.Evaluation;
using static Patchwork.Reporting.Charts;

namespace Patchwork.Reporting;

/// <summary>
/// Tables of tinted numbers as inline SVG, a pure function of the data. One hue from faint to full, and the number in every cell, so that
/// nothing depends on telling colours apart; the tint stays pale enough for the text to be read on light and dark pages.
/// </summary>
public static class HeatCharts
{
    private const double Width = 720, RowHeight = 20, Gap = 8, Top = 70, Strongest = 0.5;

    /// <summary>Draws the chart; its width fits the page, its height follows.</summary>
    public static string Table(HeatChart chart)
    {
        var (rows, groups) = (chart.Rows, chart.Groups);
        var left = 14 + 7.5 * rows.Max(row => row.Length);
        var cell = (Width - left - Gap * (groups.Count - 1)) / groups.Sum(group => group.Columns.Count);
        var all = groups.SelectMany(group => group.Values).SelectMany(row => row).Where(double.IsFinite).DefaultIfEmpty(0).ToArray();
        var (low, high) = (all.Min(), all.Max());
        var svg = new StringBuilder();
        void Add(FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

        var box = $"0 0 {N(Width)} {N(Top + rows.Count * RowHeight + 8)}";
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{box}\" role=\"img\" aria-label=\"{Text(chart.Description)}\"");
        Add($"  font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"currentColor\">");
        Add($"<title>{Text(chart.Title)}</title>");
        Add($"<text x=\"0\" y=\"20\" font-size=\"16\" font-weight=\"600\">{Text(chart.Title)}</text>");
        foreach (var (r, row) in rows.Index())
            Add($"<text x=\"0\" y=\"{N(Top + r * RowHeight + 15)}\">{Text(row)}</text>");
        var x = left;
        foreach (var group in groups)
        {
            Add($"<text x=\"{N(x)}\" y=\"42\" font-weight=\"600\">{Text(group.Title)}</text>");
            foreach (var (c, column) in group.Columns.Index())
            {
                Add($"<text x=\"{N(x + (c + 0.5) * cell)}\" y=\"62\" text-anchor=\"middle\">{Text(column)}</text>");
                foreach (var (r, row) in group.Values.Index())
                {
                    if (!double.IsFinite(row[c]))
                        continue;
                    var strength = high > low ? Strongest * (row[c] - low) / (high - low) : 0;
                    var place = $"x=\"{N(x + c * cell)}\" y=\"{N(Top + r * RowHeight)}\" width=\"{N(cell)}\" height=\"{N(RowHeight)}\"";
                    Add($"<rect {place} fill=\"var(--series-2, #d55e00)\" fill-opacity=\"{N(strength)}\"/>");
                    place = $"x=\"{N(x + (c + 0.5) * cell)}\" y=\"{N(Top + r * RowHeight + 15)}\"";
                    Add($"<text {place} text-anchor=\"middle\">{row[c]:F0}</text>");
                }
            }
            x += group.Columns.Count * cell + Gap;
        }
        return svg.Append("</svg>\n").ToString();
    }
}
