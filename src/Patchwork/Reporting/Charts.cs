using System.Globalization;
using System.Net;
using System.Text;
using Patchwork.Evaluation;

namespace Patchwork.Reporting;

/// <summary>
/// Draws line charts as inline SVG, as a pure function of the data. Text has the page's colour (<c>currentColor</c>); curves use the
/// colour-blind-safe palette of Okabe and Ito (2008), which a page can override with the CSS variables <c>--series-1</c> to
/// <c>--series-6</c>.
/// </summary>
public static class Charts
{
    internal const double LineHeight = 20;

    private static readonly Layout Page = new(Width: 720, PlotHeight: 280), Telephone = new(360, 240);

    /// <summary>The Okabe-Ito palette without yellow, which is invisible on white, and black, which is invisible on dark pages.</summary>
    private static readonly string[] Palette = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

    /// <summary>The stroke of a reference line.</summary>
    internal const string Dashed = "stroke=\"currentColor\" stroke-opacity=\"0.6\" stroke-width=\"1.5\" stroke-dasharray=\"3 3\"";

    /// <summary>Dash patterns: if there are more curves than colours, the colours repeat with the next pattern.</summary>
    private static readonly string[] Dashes = ["", " stroke-dasharray=\"7 4\"", " stroke-dasharray=\"2 4\""];

    /// <summary>Draws the chart; it scales to the width of the page.</summary>
    public static string Line(LineChart chart) => Line(chart, Page);

    /// <summary>Draws the chart for half the width of a page at the same font size: fewer ticks, titles in several lines.</summary>
    internal static string Narrow(LineChart chart) => Line(chart, Telephone);

    private sealed record Layout(double Width, double PlotHeight);

    private static string Line(LineChart chart, Layout layout)
    {
        var points = chart.Series.SelectMany(series => series.Points).Where(Drawable).ToArray();
        var xAxis = Enumerable.Range(1, 6).Reverse().Select(ticks => Axis.Over(points.Select(point => point.X), tight: true, ticks))
            .First(axis => axis.Step >= axis.High - axis.Low || axis.Ticks.Sum(tick => WidthOf(axis.Label(tick)) + 12) < layout.Width - 64);
        var yAxis = Axis.Over(points.SelectMany(point => new[] { Lower(point), Upper(point) }), tight: false);
        // Leave room for the tick labels: next to the rotated title of the y axis, and around the last tick of the x axis.
        var left = Math.Max(64, yAxis.Ticks.Max(tick => WidthOf(yAxis.Label(tick))) + 30);
        var right = layout.Width - Math.Max(16, xAxis.Ticks.Max(tick => WidthOf(xAxis.Label(tick))) / 2);
        // Title and legend start at the left edge of the plot; in a narrow chart, at the edge of the chart.
        var (first, end) = layout == Page ? (left, right) : (0, layout.Width);
        var title = Wrapped(chart.Title, (end - first) * 13 / 17);      // bold, at font size 16
        var legend = PlaceLegend(chart.Series, first, end);
        var legendTop = 20 + title.Count * LineHeight;
        var top = legendTop + (legend.Length == 0 ? 0 : legend[^1].Row + 1) * LineHeight + 10;
        var bottom = top + layout.PlotHeight;
        var xTitle = Wrapped(chart.XTitle, Math.Min(left + right, 2 * layout.Width - left - right));

        double Lower(ChartPoint point) => Math.Max(point.Mean - Band(point), Math.Min(point.Mean, chart.Least));
        double Upper(ChartPoint point) => Math.Min(point.Mean + Band(point), Math.Max(point.Mean, chart.Most));
        double X(double value) => left + xAxis.Share(value) * (right - left);
        double Y(double value) => bottom - yAxis.Share(value) * layout.PlotHeight;

        var svg = new StringBuilder();
        void Add(FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

        var spoken = chart.Description.Length > 0 ? chart.Description : $"{chart.Title}: {chart.YTitle} over {chart.XTitle} for "
            + string.Join(", ", chart.Series.Select(series => series.Name));
        var box = $"0 0 {N(layout.Width)} {N(bottom + 32 + xTitle.Count * LineHeight)}";
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{box}\" role=\"img\" aria-label=\"{Text(spoken)}\"");
        Add($"  font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"currentColor\">");
        Add($"<title>{Text(chart.Title)}</title>");
        foreach (var (i, line) in title.Index())
            Add($"<text x=\"{N(first)}\" y=\"{N(20 + i * LineHeight)}\" font-size=\"16\" font-weight=\"600\">{Text(line)}</text>");
        foreach (var (name, index, row, x) in legend)
        {
            var y = legendTop + row * LineHeight;
            Add($"<path d=\"M{N(x)} {N(y)}h22\" fill=\"none\" {Stroke(chart.Series[index], index, "2.5")}/>");
            Add($"<text x=\"{N(x + 28)}\" y=\"{N(y + 4.5)}\">{Text(name)}</text>");
        }

        foreach (var tick in yAxis.Ticks)
        {
            Add($"<path d=\"M{N(left)} {N(Y(tick))}H{N(right)}\" stroke=\"currentColor\" stroke-opacity=\"0.15\"/>");
            Add($"<text x=\"{N(left - 8)}\" y=\"{N(Y(tick) + 4.5)}\" text-anchor=\"end\">{yAxis.Label(tick)}</text>");
        }
        foreach (var tick in xAxis.Ticks)
        {
            Add($"<path d=\"M{N(X(tick))} {N(bottom)}v5\" stroke=\"currentColor\" stroke-opacity=\"0.5\"/>");
            Add($"<text x=\"{N(X(tick))}\" y=\"{N(bottom + 22)}\" text-anchor=\"middle\">{xAxis.Label(tick)}</text>");
        }
        Add($"<path d=\"M{N(left)} {N(bottom)}H{N(right)}\" stroke=\"currentColor\" stroke-opacity=\"0.5\"/>");
        foreach (var (i, line) in xTitle.Index())
            Add($"<text x=\"{N((left + right) / 2)}\" y=\"{N(bottom + 42 + i * LineHeight)}\" text-anchor=\"middle\">{Text(line)}</text>");
        var middle = N(top + layout.PlotHeight / 2);
        Add($"<text x=\"14\" y=\"{middle}\" text-anchor=\"middle\" transform=\"rotate(-90 14 {middle})\">{Text(chart.YTitle)}</text>");
        if (points.Length == 0) Add($"<text x=\"{N((left + right) / 2)}\" y=\"{middle}\" text-anchor=\"middle\">no data</text>");

        for (var i = 0; i < chart.Series.Count; i++)
        {
            foreach (var run in Runs(chart.Series[i].Points))
            {
                if (run.Any(point => Band(point) > 0))
                {
                    var upper = run.Select(point => $"{N(X(point.X))} {N(Y(Upper(point)))}");
                    var lower = run.AsEnumerable().Reverse().Select(point => $"{N(X(point.X))} {N(Y(Lower(point)))}");
                    Add($"<path d=\"M{string.Join('L', upper.Concat(lower))}Z\" fill=\"{Colour(i)}\" fill-opacity=\"0.18\"/>");
                }
                var line = string.Join('L', run.Select(point => $"{N(X(point.X))} {N(Y(point.Mean))}"));
                if (run.Count > 1) Add($"<path d=\"M{line}\" fill=\"none\" {Stroke(chart.Series[i], i, "2")} stroke-linejoin=\"round\"/>");
                else Add($"<circle cx=\"{N(X(run[0].X))}\" cy=\"{N(Y(run[0].Mean))}\" r=\"3.5\" fill=\"{Colour(i)}\"/>");
            }
        }
        return svg.Append("</svg>\n").ToString();
    }

    private static bool Drawable(ChartPoint point) => double.IsFinite(point.X) && double.IsFinite(point.Mean);

    private static double Band(ChartPoint point) => double.IsFinite(point.StandardDeviation) ? Math.Abs(point.StandardDeviation) : 0;

    /// <summary>Splits a curve at the points that cannot be drawn.</summary>
    private static IEnumerable<List<ChartPoint>> Runs(IReadOnlyList<ChartPoint> points)
    {
        var run = new List<ChartPoint>();
        foreach (var point in points)
        {
            if (Drawable(point))
            {
                run.Add(point);
                continue;
            }
            if (run.Count > 0) yield return run;
            run = [];
        }
        if (run.Count > 0) yield return run;
    }

    /// <summary>Places the legend entries from left to right, in as many rows as they need.</summary>
    private static (string Name, int Index, int Row, double X)[] PlaceLegend(IReadOnlyList<ChartSeries> series, double left, double right)
    {
        var placed = new (string, int, int, double)[series.Count];
        var (row, x) = (0, left);
        for (var i = 0; i < series.Count; i++)
        {
            var width = 28 + WidthOf(series[i].Name) + 20;
            if (x > left && x + width > right) (row, x) = (row + 1, left);
            placed[i] = (series[i].Name, i, row, x);
            x += width;
        }
        return placed;
    }

    /// <summary>Breaks the text between words into lines of at most <paramref name="width"/>. A wider word has its own line.</summary>
    internal static List<string> Wrapped(string text, double width)
    {
        List<string> lines = [""];
        foreach (var word in text.Split(' '))
        {
            var longer = lines[^1].Length == 0 ? word : $"{lines[^1]} {word}";
            if (lines[^1].Length == 0 || WidthOf(longer) <= width) lines[^1] = longer;
            else lines.Add(word);
        }
        return lines;
    }

    // Estimates the width at font size 13, on the wide side: the font depends on the browser.
    internal static double WidthOf(string text) =>
        text.Sum(letter => letter switch { 'm' or 'w' or (>= 'A' and <= 'Z') => 11.5, >= '0' and <= '9' => 8.5, _ => 7.5 });

    private static string Stroke(ChartSeries series, int index, string width) => series.Reference
        ? Dashed
            : $"stroke=\"{Colour(index)}\" stroke-width=\"{width}\"{Dash(index)}";

    internal static string Colour(int index)
    {
        var slot = index % Palette.Length;
        return $"var(--series-{(slot + 1).ToString(CultureInfo.InvariantCulture)}, {Palette[slot]})";
    }

    private static string Dash(int index) => Dashes[index / Palette.Length % Dashes.Length];

    internal static string N(double coordinate) => coordinate.ToString("0.##", CultureInfo.InvariantCulture);

    internal static string Text(string text) => WebUtility.HtmlEncode(text);
}
