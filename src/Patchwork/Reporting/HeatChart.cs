using System.Globalization;
using System.Text;
using static Patchwork.Reporting.Charts;

namespace Patchwork.Reporting;

/// <summary>A group of columns under one heading.</summary>
/// <param name="Title">The heading.</param>
/// <param name="Columns">The columns' names.</param>
/// <param name="Values">A row of values for each of the chart's rows; not-a-number leaves a cell empty.</param>
public sealed record HeatGroup(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<double>> Values);

/// <summary>
/// A table of numbers with each cell tinted by its value, as inline SVG. One hue from faint to full, and the number in every cell, so that nothing depends on
/// telling colours apart; the tint stays pale enough for the text to be read on light and dark pages.
/// </summary>
/// <param name="Title">Its heading.</param>
/// <param name="Rows">Names of the rows.</param>
/// <param name="Groups">The columns.</param>
/// <param name="Description">Read to those who cannot see it.</param>
public sealed record HeatChart(string Title, IReadOnlyList<string> Rows, IReadOnlyList<HeatGroup> Groups, string Description)
{
    private const double Width = 720, RowHeight = 20, Gap = 8, Top = 70, Strongest = 0.5;

    /// <summary>Draws the chart; its width fits the page, its height follows.</summary>
    public string ToSvg()
    {
        var left = 14 + 7.5 * Rows.Max(row => row.Length);
        var cell = (Width - left - Gap * (Groups.Count - 1)) / Groups.Sum(group => group.Columns.Count);
        var all = Groups.SelectMany(group => group.Values).SelectMany(row => row).Where(double.IsFinite).DefaultIfEmpty(0).ToArray();
        var (low, high) = (all.Min(), all.Max());
        var svg = new StringBuilder();
        void Add(FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {N(Width)} {N(Top + Rows.Count * RowHeight + 8)}\" role=\"img\" aria-label=\"{Text(Description)}\"");
        Add($"  font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"currentColor\">");
        Add($"<title>{Text(Title)}</title>");
        Add($"<text x=\"0\" y=\"20\" font-size=\"16\" font-weight=\"600\">{Text(Title)}</text>");
        foreach (var (r, row) in Rows.Index())
            Add($"<text x=\"0\" y=\"{N(Top + r * RowHeight + 15)}\">{Text(row)}</text>");
        var x = left;
        foreach (var group in Groups)
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
                    Add($"<rect x=\"{N(x + c * cell)}\" y=\"{N(Top + r * RowHeight)}\" width=\"{N(cell)}\" height=\"{N(RowHeight)}\" fill=\"var(--series-2, #d55e00)\" fill-opacity=\"{N(strength)}\"/>");
                    Add($"<text x=\"{N(x + (c + 0.5) * cell)}\" y=\"{N(Top + r * RowHeight + 15)}\" text-anchor=\"middle\">{row[c]:F0}</text>");
                }
            }
            x += group.Columns.Count * cell + Gap;
        }
        return svg.Append("</svg>\n").ToString();
    }
}
