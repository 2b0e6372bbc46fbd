using System.Globalization;
using System.Xml.Linq;
using Patchwork.Evaluation;
using Patchwork.Reporting;
using Xunit;

namespace Patchwork.Tests.Reporting;

public sealed class HeatChartTests
{
    private static readonly HeatChart Chart = new("Errors", ["fog", "snow"],
        [new("baseline", ["1", "2"], [[10, 20], [30, double.NaN]]), new("cutmix", ["1", "2"], [[50, 12], [14, 16]])], "Errors by kind");

    private static IEnumerable<XElement> Elements(string name) =>
        XDocument.Parse(HeatCharts.Table(Chart)).Descendants().Where(element => element.Name.LocalName == name);

    [Fact]
    public void Every_value_has_a_cell_and_the_largest_has_the_strongest_tint()
    {
        Assert.Equal(7, Elements("rect").Count());      // the cell that is not a number is empty
        string[] numbers = ["10", "20", "30", "50", "12", "14", "16"];
        Assert.Superset(numbers.ToHashSet(), Elements("text").Select(text => text.Value).ToHashSet());
        double[] tints =
            [.. Elements("rect").Select(cell => double.Parse(cell.Attribute("fill-opacity")!.Value, CultureInfo.InvariantCulture))];
        Assert.Equal((0, 0.5), (tints.Min(), tints.Max()));
    }

    [Fact]
    public void Cells_do_not_overlap_and_stay_inside_the_chart()
    {
        var cells = Elements("rect").Select(cell =>
            (X: Number(cell, "x"), Right: Number(cell, "x") + Number(cell, "width"), Y: Number(cell, "y"))).ToArray();
        Assert.All(cells, cell => Assert.InRange(cell.Right, 0, 720.01));
        foreach (var row in cells.GroupBy(cell => cell.Y))
        {
            var ordered = row.OrderBy(cell => cell.X).ToArray();
            Assert.All(ordered.Zip(ordered.Skip(1)), pair => Assert.True(pair.First.Right <= pair.Second.X + 0.02));
        }
    }

    private static double Number(XElement element, string name) =>
        double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);
}
