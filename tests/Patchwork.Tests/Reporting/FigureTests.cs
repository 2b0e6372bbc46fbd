using System.Globalization;
using System.Xml.Linq;
using Patchwork.Evaluation;
using Patchwork.Reporting;
using Xunit;

namespace Patchwork.Tests.Reporting;

public sealed class FigureTests
{
    public static TheoryData<string> Figures =>
    [
        Figure.Svg(new DotChart("Test error", "test error, %", [new("a very long name of a stack of methods", [30, 32]), new("cutmix", [26])])),
        Figure.Svg(new LineChart("Error over ε", "ε", "error, %", [new ChartSeries("baseline", [new(0, 30, 1), new(8, 99, 0.5)])])),
    ];

    // A file in an <img> inherits nothing from the page: neither colours nor a width. 390 pixels are those of a telephone.
    [Theory, MemberData(nameof(Figures))]
    public void A_figure_stands_alone_and_all_of_it_lies_inside_a_margin(string svg)
    {
        var root = XDocument.Parse(svg).Root!;
        var box = root.Attribute("viewBox")!.Value.Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(box[2], double.Parse(root.Attribute("width")!.Value, CultureInfo.InvariantCulture));
        Assert.InRange(box[2], 300, 390);
        Assert.Contains("background:#fff;color:#", root.Attribute("style")!.Value, StringComparison.Ordinal);
        Assert.All(root.Descendants().Where(element => element.Name.LocalName == "text" && element.Attribute("text-anchor") is null), text =>
            Assert.True(double.Parse(text.Attribute("x")!.Value, CultureInfo.InvariantCulture) >= box[0] + 8));
        Assert.All(root.Descendants().Attributes("y").Concat(root.Descendants().Attributes("cy")), y =>
            Assert.InRange(double.Parse(y.Value, CultureInfo.InvariantCulture), box[1] + 8, box[1] + box[3] - 8));
        Assert.Equal("http://www.w3.org/2000/svg", root.Name.NamespaceName);
    }
}
