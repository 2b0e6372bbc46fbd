using System.Globalization;
using System.Xml.Linq;
using CsCheck;
using Patchwork.Evaluation;
using Patchwork.Reporting;
using Xunit;

namespace Patchwork.Tests.Reporting;

public sealed class ChartsTests
{
    internal static readonly LineChart Tiny = new("Error <val>", "Epoch", "Top-1 error (%)",
    [
        new("baseline", [new(1, 60, 4), new(2, 50, 2), new(3, 45, 1)]),
        new("cutmix & co", [new(1, 65), new(2, double.NaN), new(3, 40)]),
    ]);

    [Fact]
    public void A_tiny_chart_matches_the_golden_file()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Patchwork.slnx"))) folder = folder.Parent!;
        var golden = Path.Combine(folder.FullName, "tests", "Patchwork.Tests", "Golden", "line-chart.svg");
        Assert.Equal(File.ReadAllText(golden), Charts.Line(Tiny));
    }

    [Fact]
    public void A_band_ends_at_the_minimum_and_the_maximum_of_its_quantity()
    {
        var loss = new LineChart("loss", "epoch", "loss", [new("cutmix", [new(1, 2, 0.5), new(2, 0.5, 1)])]);
        IEnumerable<string> Labels(LineChart chart) =>
            XDocument.Parse(Charts.Line(chart)).Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value);
        Assert.Contains("-0.5", Labels(loss));
        Assert.DoesNotContain(Labels(loss with { Least = 0 }), label => label.StartsWith('-'));
        Assert.Contains("0.0", Labels(loss with { Least = 0 }));
        var error = new LineChart("error", "size", "error, %", [new("cutmix", [new(0, 60, 5), new(1, 95, 10)])]);
        Assert.Contains("110", Labels(error));
        Assert.DoesNotContain("110", Labels(error with { Most = 100 }));
        Assert.Contains("100", Labels(error with { Most = 100 }));
    }

    [Fact]
    public void Any_data_gives_well_formed_xml_with_finite_coordinates()
    {
        var number = Gen.Frequency((8, Gen.Double[-1e6, 1e6]), (1, Gen.Const(double.NaN)), (1, Gen.Const(double.PositiveInfinity)),
            (2, Gen.Const(0.5)));
        var point = Gen.Select(number, number, number, (x, mean, deviation) => new ChartPoint(x, mean, deviation));
        var series = Gen.Select(Gen.String[Gen.Char[' ', '~'], 0, 30], point.Array[0, 6], (name, points) => new ChartSeries(name, points));
        series.Array[0, 9].Sample(all =>
        {
            var svg = Charts.Line(new LineChart("t", "x", "y", all));
            Assert.Equal("svg", XDocument.Parse(svg).Root!.Name.LocalName);
            Assert.DoesNotContain("NaN", string.Concat(XDocument.Parse(svg).Descendants().Attributes("d").Select(d => d.Value)));
            Assert.DoesNotContain("∞", svg);
        }, iter: 300);
    }

    [Theory]
    [InlineData(0.0, 1.0, "0.0 0.2 0.4 0.6 0.8 1.0")]
    [InlineData(3.0, 97.0, "0 20 40 60 80 100")]
    [InlineData(-0.013, 0.021, "-0.02 -0.01 0.00 0.01 0.02 0.03")]
    [InlineData(50.0, 50.0, "44 46 48 50 52 54 56")]
    public void Ticks_are_round_numbers(double low, double high, string expected)
    {
        var axis = Axis.Over([low, high], tight: false);
        Assert.Equal(expected, string.Join(' ', axis.Ticks.Select(axis.Label)));
        Assert.True(axis.Low <= low && high <= axis.High, axis.ToString());
    }

    [Theory]
    [InlineData(1.0, 2.0, "1 2")]
    [InlineData(1.0, 30.0, "5 10 15 20 25 30")]
    [InlineData(7.0, 7.0, "7")]
    [InlineData(0.5, 2.0, "0.5 1.0 1.5 2.0")]
    public void Axes_of_whole_numbers_such_as_epochs_have_no_fractional_ticks(double low, double high, string expected)
    {
        var axis = Axis.Over([low, high], tight: true);
        Assert.Equal(expected, string.Join(' ', axis.Ticks.Select(axis.Label)));
    }

    [Fact]
    public void The_culture_of_the_thread_does_not_change_the_chart()
    {
        var before = CultureInfo.CurrentCulture;
        var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        comma.NumberFormat.NumberDecimalSeparator = ",";
        var expected = Charts.Line(Tiny);
        try
        {
            CultureInfo.CurrentCulture = comma;
            Assert.Equal(expected, Charts.Line(Tiny));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
