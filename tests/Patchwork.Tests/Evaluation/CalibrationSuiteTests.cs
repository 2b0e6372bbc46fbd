using Patchwork.Evaluation;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Evaluation;

[Collection(SerialCollection.Name)]
public sealed class CalibrationSuiteTests
{
    [Fact]
    public void Brier_score_and_bins_match_the_softmax_and_the_temperature_is_in_range()
    {
        using var linear = new LinearSubject();
        var result = new CalibrationSuite().Measure(linear.Subject);
        Assert.InRange(result.Metrics["temperature"].Value, TemperatureScaling.Lowest, TemperatureScaling.Highest);
        var (softmax, labels) = linear.Outputs();
        var brier = softmax.Zip(labels, (row, label) => row.Select((p, k) => Math.Pow(p - (k == label ? 1 : 0), 2)).Sum()).Average();
        Assert.Equal(brier, result.Metrics["brier"].Value, 1e-5);
        Assert.True(result.Metrics["ece"].Ci95!.Value.Contains(result.Metrics["ece"].Value));
        Assert.Equal(60, result.Tables["reliability"].Sum(bin => bin[2]));
    }

    // Two seeds with 1 and 3 images in the first bin and none in the second.
    [Fact]
    public void A_reliability_diagram_weights_the_images_of_all_seeds_equally_and_omits_empty_bins()
    {
        SuiteResult Seed(int images, double confidence, double accuracy)
        {
            var result = new SuiteResult();
            result.AddTable("bins", [[0, 0.5, images, confidence, accuracy], [0.5, 1, 0, 0, 0]]);
            return result;
        }
        Chart[] charts = [.. new ReliabilityDiagram("bins", "Reliability").Of([new("cutmix", [Seed(1, 0.2, 0), Seed(3, 0.4, 0.8)])])];
        var chart = Assert.Single(((ChartRow)charts[0]).Charts);
        var point = Assert.Single(chart.Series[0].Points);
        Assert.Equal((35, 60), (point.X, point.Mean), (a, b) => Math.Abs(a.X - b.X) < 1e-9 && Math.Abs(a.Mean - b.Mean) < 1e-9);
        Assert.True(chart.Series[1].Reference);
        var counts = (HeatChart)charts[1];
        Assert.Equal(["cutmix"], counts.Rows);
        Assert.Equal(["50", "100"], counts.Groups[0].Columns);
        Assert.Equal([4, double.NaN], Assert.Single(counts.Groups[0].Values));
        Assert.Empty(new ReliabilityDiagram("other", "Reliability").Of([new("cutmix", [Seed(1, 0.2, 0)])]));
    }
}
