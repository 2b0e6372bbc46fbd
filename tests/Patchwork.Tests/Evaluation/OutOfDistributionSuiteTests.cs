using Patchwork.Evaluation;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Evaluation;

[Collection(SerialCollection.Name)]
public sealed class OutOfDistributionSuiteTests
{
    [Fact]
    public void Generated_images_follow_their_distributions_and_depend_on_the_seed()
    {
        var like = new NoiseImages(height: 32, width: 32);
        byte[] Pixels(string id, ulong seed = 0)
        {
            var set = OutSet.Draw(id, like, 40, new SeedStream(seed));
            return [.. Enumerable.Range(0, set.Count).SelectMany(i => set.Read(i, new byte[set.ImageBytes]).ToArray())];
        }
        var count = 40.0 * 3 * 32 * 32;
        Assert.InRange(Pixels("uniform").Average(value => value / 255.0), 0.495, 0.505);
        Assert.All(Pixels("rademacher"), value => Assert.True(value is 0 or 255));
        // P(N + 0.5 <= 0) = Φ(-0.5) = 0.3085 is the expected share of black.
        Assert.InRange(Pixels("gaussian").Count(value => value == 0) / count, 0.300, 0.317);
        Assert.All(Pixels("blobs"), value => Assert.True(value == 0 || value >= 191));
        Assert.InRange(Pixels("blobs").Count(value => value > 0) / count, 0.05, 0.5);
        foreach (var id in OutSet.Drawn)
        {
            Assert.Equal(Pixels(id), Pixels(id));
            Assert.NotEqual(Pixels(id), Pixels(id, 1));
        }
    }

    // Each image is a smooth enlargement of photographed pixels: they vary, but neighbours far less than in noise.
    [Fact]
    public void Textures_have_the_shape_of_the_test_images_and_the_smoothness_of_photographs()
    {
        var set = OutSet.CutTextures(new NoiseImages(height: 32, width: 48), 1_010, new SeedStream(0));
        Assert.Equal((3, 32, 48, 1_010), (set.Channels, set.Height, set.Width, set.Count));
        byte[] Pixels(int i) => set.Read(i, new byte[set.ImageBytes]).ToArray();
        byte[][] images = [.. Enumerable.Range(0, 50).Select(Pixels)];
        Assert.True(images.Select(image => image.Average(value => (double)value)).Distinct().Count() > 45);
        Assert.All(images, image => Assert.True(image.Zip(image.Skip(1), (a, b) => Math.Abs(a - b)).Average() < 16));
        Assert.NotEqual(Pixels(3), Pixels(1_003));      // the same photograph at another place
        Assert.Equal(Pixels(3), Pixels(3));
    }

    [Fact]
    public void Named_sets_are_measured_along_with_the_generated_ones_and_unknown_ones_are_rejected()
    {
        using var linear = new LinearSubject();
        var suite = new OutOfDistributionSuite { OutSets = ["shapes", "shapes:crop", "Textures"] };
        suite.Check(linear.Images);
        var result = suite.Measure(linear.Subject);
        Assert.All((string[])[.. OutSet.Drawn, "shapes", "shapes_crop", "textures"], set =>
            Assert.InRange(result.Metrics[$"{set}_msp_auroc"].Value, 0, 1));
        Assert.Contains("Omit :crop", Assert.Throws<InputException>(() =>
            new OutOfDistributionSuite { OutSets = ["textures:crop"] }.Check(linear.Images)).Message, StringComparison.Ordinal);
        Assert.All((string[])["cifar", "texture"], name => Assert.StartsWith(
            $"Unknown out-of-distribution set '{name}'. Did you mean '{(name == "cifar" ? "cifar10" : "textures")}'?",
            Assert.Throws<InputException>(() => new OutOfDistributionSuite { OutSets = [name] }.Check(linear.Images)).Message,
            StringComparison.Ordinal));
    }

    [Fact]
    public void Charts_have_one_curve_plot_per_set_and_one_histogram_per_method()
    {
        using var linear = new LinearSubject();
        var suite = new OutOfDistributionSuite();
        SuiteResult[] seeds = [suite.Measure(linear.Subject)];
        var charts = suite.Charts.SelectMany(chart => chart.Of([new("baseline", seeds), new("cutmix", seeds)])).Cast<LineChart>().ToArray();
        Assert.Equal(OutSet.Drawn.Count + 2, charts.Length);
        Assert.All(charts[..^2], chart => Assert.Equal(["baseline", "cutmix", "chance"], chart.Series.Select(series => series.Name)));
        // The bins contain all test images and all images of a set.
        Assert.All(charts[^2..], chart =>
            Assert.All(chart.Series, series => Assert.Equal(100, series.Points.Sum(point => point.Mean), 1e-9)));
    }
}
