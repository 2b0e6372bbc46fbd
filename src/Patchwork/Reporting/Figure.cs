using System.Globalization;
using System.Text.RegularExpressions;
using Patchwork.Evaluation;

namespace Patchwork.Reporting;

/// <summary>
/// Draws a chart as an SVG file that stands alone, for a page or a paper: 380 units wide, which is readable on a telephone, with dark text
/// on white whatever the page's colours are.
/// </summary>
public static partial class Figure
{
    private const int Margin = 10;

    /// <summary>Curves, as the text of an SVG file.</summary>
    public static string Svg(LineChart chart) => Alone(Charts.Narrow(chart));

    /// <summary>Rows of dots, as the text of an SVG file.</summary>
    public static string Svg(DotChart chart) => Alone(DotCharts.Narrow(chart));

    // Charts reach to their edges, which is right on a page but not on a picture with a colour of its own.
    private static string Alone(string svg) => Box().Replace(svg, box =>
    {
        double Size(int k) => double.Parse(box.Groups[k].ValueSpan, CultureInfo.InvariantCulture) + 2 * Margin;
        return string.Create(CultureInfo.InvariantCulture, $"viewBox=\"{-Margin} {-Margin} {Size(1)} {Size(2)}\" width=\"{Size(1)}\" "
            + $"style=\"background:#fff;color:#1f2328\"");
    }, 1);

    [GeneratedRegex("viewBox=\"0 0 ([0-9.]+) ([0-9.]+)\"")]
    private static partial Regex Box();
}
