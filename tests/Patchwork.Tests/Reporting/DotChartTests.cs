using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Patchwork.Evaluation;
using Patchwork.Reporting;
using Xunit;

namespace Patchwork.Tests.Reporting;

public sealed partial class DotChartTests
{
    private static readonly DotChart Chart = new("Test error", "test error, %",
        [new("baseline", [30, 32, 31]), new("<CutMix>", [26, 28, double.NaN]), new("one seed", [29])])
    {
        Reference = 31,
    };

    private static XElement[] Elements(DotChart chart, string name) =>
        [.. XDocument.Parse(DotCharts.Rows(chart)).Descendants().Where(element => element.Name.LocalName == name)];

    private static double Number(XElement element, string name) => double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);

    [Fact]
    public void Every_finite_value_is_a_dot_at_its_position_on_the_axis()
    {
        var dots = Elements(Chart, "circle");
        Assert.Equal(6, dots.Length);
        var rows = dots.GroupBy(dot => Number(dot, "cy")).OrderBy(row => row.Key)
            .Select(row => row.Select(dot => Number(dot, "cx")).ToArray()).ToArray();
        Assert.Equal([3, 2, 1], rows.Select(row => row.Length));
        // A difference of one point has the same length everywhere.
        var unit = (rows[0][1] - rows[0][0]) / 2;
        Assert.True(unit > 0);
        Assert.Equal(rows[0][0] + unit, rows[0][2], 0.05);
        Assert.Equal(rows[0][0] - 4 * unit, rows[1][0], 0.05);
        Assert.Equal(rows[0][0] - unit, rows[2][0], 0.05);
    }

    [Fact]
    public void Names_means_and_standard_deviations_are_written_inside_the_chart()
    {
        var texts = Elements(Chart, "text");
        Assert.Superset(new HashSet<string> { "baseline", "<CutMix>", "31.00 ± 1.00", "29.00", "test error, %" },
            texts.Select(text => text.Value).ToHashSet());
        Assert.All(texts, text => Assert.InRange(Number(text, "x"), 0, 720));
        Assert.All(Elements(Chart, "circle"), dot => Assert.InRange(Number(dot, "cx"), 0, 720));
    }

    // Names on a line of their own leave the dots the whole width, and the first label of the axis is centred at its end.
    [Fact]
    public void The_labels_of_the_axis_are_inside_a_narrow_chart_with_long_names()
    {
        var labels = XDocument.Parse(DotCharts.Narrow(Chart with { Rows = [new("cutmix:alpha=0.25:probability=0.5", [2211, 2299])] }))
            .Descendants().Where(element => element.Attribute("text-anchor")?.Value == "middle").ToArray();
        Assert.True(labels.Length > 2);
        Assert.All(labels, label => Assert.True(Number(label, "x") >= Charts.WidthOf(label.Value) / 2 - 0.1, label.Value));
    }

    // Of a font of 13 units, letters reach from 10 above their base line to 3 below.
    [Fact]
    public void No_line_of_a_narrow_chart_crosses_a_long_name()
    {
        const string Long = "cutmix:alpha=0.25:probability=0.5";
        var elements = XDocument.Parse(DotCharts.Narrow(Chart with { Rows = [new(Long, [30, 32]), new("a", [25]), new(Long + "1", [29])] }))
            .Descendants().ToArray();
        var names = elements.Where(element => element.Value.StartsWith(Long, StringComparison.Ordinal)).Select(text => Number(text, "y")).ToArray();
        var parts = elements.Where(element => element.Name.LocalName == "path" && element.Attribute("stroke-width")?.Value != "3")
            .SelectMany(path => Parts().Matches(path.Attribute("d")!.Value)).ToArray();
        Assert.Equal((2, 0), (names.Length, parts.Length % 3));      // each of the lines has a part beside every row's dots
        Assert.True(parts.Length >= 9);
        Assert.All(parts, part => Assert.All(names, name =>
        {
            var (top, height) = (double.Parse(part.Groups[1].Value, CultureInfo.InvariantCulture),
                double.Parse(part.Groups[2].Value, CultureInfo.InvariantCulture));
            Assert.True(top >= name + 3 || top + height <= name - 10, part.Value);
        }));
    }

    [GeneratedRegex("M[0-9.]+ ([0-9.]+)v([0-9.]+)")]
    private static partial Regex Parts();

    [Fact]
    public void The_reference_is_one_dashed_line_and_optional()
    {
        bool Dashed(XElement path) => path.Attribute("stroke-dasharray") is not null;
        Assert.Single(Elements(Chart, "path"), Dashed);
        Assert.DoesNotContain(Elements(Chart with { Reference = null }, "path"), Dashed);
    }
}
