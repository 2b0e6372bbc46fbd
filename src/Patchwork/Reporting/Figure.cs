using Patchwork.Evaluation;

namespace Patchwork.Reporting;

/// <summary>
/// Draws a chart as an SVG file that stands alone, for a page or a paper: 360 units wide, which is readable on a telephone, with dark text
/// on white whatever the page's colours are.
/// </summary>
public static class Figure
{
    /// <summary>Curves, as the text of an SVG file.</summary>
    public static string Svg(LineChart chart) => Alone(Charts.Narrow(chart));

    /// <summary>Rows of dots, as the text of an SVG file.</summary>
    public static string Svg(DotChart chart) => Alone(DotCharts.Narrow(chart));

    private static string Alone(string svg) =>
        svg.Replace("<svg ", "<svg width=\"360\" style=\"background:#fff;color:#1f2328\" ", StringComparison.Ordinal);
}
