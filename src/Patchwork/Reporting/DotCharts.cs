using System.Globalization;
using System.Text;
using Patchwork.Evaluation;
using static Patchwork.Reporting.Charts;

namespace Patchwork.Reporting;

/// <summary>
/// Draws rows of dots as inline SVG, as a pure function of the data: one row per method, one dot per seed, a stroke at the mean, and the
/// numbers on the right.
/// </summary>
public static class DotCharts
{
    private const double RowHeight = 34, Top = 44, Radius = 5.5, NameHeight = 18, Descent = 4;

    /// <summary>Draws the chart; it scales to the width of the page.</summary>
    public static string Rows(DotChart chart) => Rows(chart, width: 720, intervals: 6);

    /// <summary>Draws the chart for half the width of a page at the same font size, with fewer ticks.</summary>
    internal static string Narrow(DotChart chart) => Rows(chart, width: 360, intervals: 2);

    private static string Rows(DotChart chart, double width, int intervals)
    {
        var means = chart.Rows.Select(row => Statistic.Of(row.Values)).ToArray();
        var axis = Axis.Over(chart.Rows.SelectMany(row => row.Values).Concat(chart.Reference is { } value ? [value] : [])
            .Where(double.IsFinite), tight: false, intervals);
        var names = chart.Rows.Max(row => WidthOf(row.Name));
        var above = names > width / 4;      // names have their own line if they would leave no room for the dots
        var left = above ? Math.Max(Radius, WidthOf(axis.Label(axis.Ticks.First())) / 2) : 14 + names;
        var right = width - 14 - means.Max(mean => WidthOf(mean.ToString()));
        var rowHeight = above ? RowHeight + NameHeight : RowHeight;
        var bottom = Top + chart.Rows.Count * rowHeight;
        double X(double at) => left + axis.Share(at) * (right - left);
        double Y(int row) => Top + (row + 1) * rowHeight - RowHeight / 2;
        // A line over all rows, which leaves out the lines of the names so that they can be read.
        string Down(double at) => !above ? $"M{N(X(at))} {N(Top)}V{N(bottom)}"
            : string.Concat(Enumerable.Range(0, chart.Rows.Count).Select(row =>
                $"M{N(X(at))} {N(Y(row) - RowHeight / 2 + Descent)}v{N(RowHeight - Descent)}"));

        var svg = new StringBuilder();
        void Add(FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

        var spoken = $"{chart.Title}: {string.Join(", ", chart.Rows.Zip(means, (row, mean) => $"{row.Name} {mean}"))}; {chart.ValueTitle}";
        var box = $"0 0 {N(width)} {N(bottom + 48)}";
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{box}\" role=\"img\" aria-label=\"{Text(spoken)}\"");
        Add($"  font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"currentColor\">");
        Add($"<title>{Text(chart.Title)}</title>");
        Add($"<text x=\"0\" y=\"20\" font-size=\"16\" font-weight=\"600\">{Text(chart.Title)}</text>");
        foreach (var tick in axis.Ticks)
        {
            Add($"<path d=\"{Down(tick)}\" stroke=\"currentColor\" stroke-opacity=\"0.15\"/>");
            Add($"<text x=\"{N(X(tick))}\" y=\"{N(bottom + 18)}\" text-anchor=\"middle\">{axis.Label(tick)}</text>");
        }
        Add($"<text x=\"{N((left + right) / 2)}\" y=\"{N(bottom + 40)}\" text-anchor=\"middle\">{Text(chart.ValueTitle)}</text>");
        if (chart.Reference is { } reference)
            Add($"<path d=\"{Down(reference)}\" {Dashed}/>");
        foreach (var (row, mean, i) in chart.Rows.Zip(means).Select((pair, i) => (pair.First, pair.Second, i)))
        {
            var y = Y(i);
            Add($"<text x=\"0\" y=\"{N(above ? y - NameHeight : y + 5)}\">{Text(row.Name)}</text>");
            Add($"<path d=\"M{N(X(mean.Mean))} {N(y - 11)}v22\" stroke=\"{Colour(i)}\" stroke-width=\"3\"/>");
            foreach (var dot in row.Values.Where(double.IsFinite))
                Add($"<circle cx=\"{N(X(dot))}\" cy=\"{N(y)}\" r=\"{N(Radius)}\" fill=\"{Colour(i)}\" fill-opacity=\"0.65\"/>");
            Add($"<text x=\"{N(width)}\" y=\"{N(y + 5)}\" text-anchor=\"end\">{mean}</text>");
        }
        return svg.Append("</svg>\n").ToString();
    }
}
