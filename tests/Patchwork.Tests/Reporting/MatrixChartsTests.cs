using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Patchwork.Evaluation;
using Patchwork.Reporting;
using Xunit;

namespace Patchwork.Tests.Reporting;

public sealed partial class MatrixChartsTests
{
    private static MatrixChart Chart(int classes) => new("Confusion", [.. Enumerable.Range(0, classes).Select(k => $"class <{k}> & more")],
        [.. Enumerable.Range(0, classes).Select(k => Enumerable.Range(0, classes).Select(c => c == k ? 9.0 : c == (k + 1) % classes ? k + 1.0 : 0)
            .ToArray())]);

    [Theory, InlineData(2), InlineData(10), InlineData(16), InlineData(17), InlineData(100)]
    public void Every_name_and_count_is_present_and_letters_are_legible(int classes)
    {
        var svg = XElement.Parse(MatrixCharts.Matrix(Chart(classes)));
        var texts = svg.Descendants().Where(one => one.Name.LocalName == "text").Select(one => one.Value).ToArray();
        Assert.All(Chart(classes).Names, name => Assert.Equal(2, texts.Count(text => text == name)));      // row and column
        // Each cell that is not empty shows its count in a tooltip.
        var said = svg.Descendants().Where(one => one.Name.LocalName == "title").Select(one => one.Value).ToArray();
        Assert.Equal(2 * classes, said.Count(text => text.Contains(" predicted as ", StringComparison.Ordinal)));
        Assert.Contains($"Most frequent mistakes: class <{classes - 1}> & more as class <0> & more {classes} of {classes + 9}",
            string.Join(' ', texts), StringComparison.Ordinal);      // the line may be wrapped
        // Letters are at least 10 units high, and the drawing is not shrunk: either it fits the width of a page, or its width is not
        // limited.
        Assert.True(double.Parse(svg.Attribute("font-size")!.Value, CultureInfo.InvariantCulture) >= 10);
        var width = double.Parse(svg.Attribute("viewBox")!.Value.Split(' ')[2], CultureInfo.InvariantCulture);
        Assert.True(width <= 720 || svg.Attribute("style")!.Value.Contains("max-width:none", StringComparison.Ordinal));
        // Nothing is drawn outside the chart.
        foreach (var rectangle in svg.Descendants().Where(one => one.Name.LocalName == "rect"))
        {
            double Number(string name) => double.Parse(rectangle.Attribute(name)!.Value, CultureInfo.InvariantCulture);
            Assert.InRange(Number("x") + Number("width"), 0, width + 0.01);
        }
    }

    [Fact]
    public void A_class_without_images_has_an_empty_row()
    {
        var svg = MatrixCharts.Matrix(new("Confusion", ["a", "b"], [[3, 1], [0, 0]]));
        Assert.DoesNotContain("NaN", svg, StringComparison.Ordinal);
        Assert.Equal(2, Tinted().Count(svg));
    }

    [GeneratedRegex("fill-opacity=\"0\\.[0-9]+\"><title>")]
    private static partial Regex Tinted();
}
