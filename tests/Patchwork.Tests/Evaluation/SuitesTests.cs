using Patchwork.Evaluation;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Evaluation;

[Collection(SerialCollection.Name)]
public sealed class SuitesTests : IDisposable
{
    private readonly NoiseImages images = new(count: 60, height: 16, width: 16);
    private readonly nn.Module<Tensor, Tensor> network;

    public SuitesTests()
    {
        new SeedStream(1).SeedTorch("test");
        network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 3));
    }

    public void Dispose() => network.Dispose();

    // Those that any network and set have what they need for; localization and transfer have tests of their own.
    private IEnumerable<Suite> Measurable => Suites.All.Where(suite => suite is not TransferSuite && suite.Missing(images) is null);

    private Subject Subject => new(network, images, new SeedStream(0)) { BatchSize = 16, Validation = images };

    // One pass over the whole set at once, by other means than the suites.
    private (float[][] Softmax, int[] Labels) Outputs()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var pixels = tensor(Enumerable.Range(0, images.Count).SelectMany(i => images.Read(i, []).ToArray()).Select(value => value / 255f).ToArray()).reshape(60, 3, 16, 16);
        var probabilities = network.call((pixels - 0.45) / 0.23).softmax(1);
        return ([.. probabilities.data<float>().ToArray().Chunk(3)], [.. Enumerable.Range(0, 60).Select(images.Label)]);
    }

    [Fact]
    public void Clean_counts_what_counting_by_hand_counts()
    {
        var (softmax, labels) = Outputs();
        var result = new CleanSuite().Measure(Subject with { BestNetwork = network });
        var wrong = softmax.Zip(labels, (row, label) => Array.IndexOf(row, row.Max()) != label).ToArray();
        Assert.Equal(wrong.Average(error => error ? 1.0 : 0.0), result.Metrics["top1_error"].Value, 1e-12);
        Assert.Equal(wrong, result.PerImage["top1_error"].Select(error => error == 1));
        Assert.Equal(0, result.Metrics["top5_error"].Value);
        Assert.Equal(softmax.Zip(labels, (row, label) => -Math.Log(row[label])).Average(), result.Metrics["nll"].Value, 1e-5);
        Assert.Equal(result.Metrics["top1_error"], result.Metrics["best_top1_error"]);
        Assert.All(result.Tables["confusion"], row => Assert.Equal(20, row.Sum()));
        Assert.Equal(60 - wrong.Count(error => error), Enumerable.Range(0, 3).Sum(k => result.Tables["confusion"][k][k]));
    }

    [Fact]
    public void A_fitted_temperature_does_not_raise_the_likelihood_it_was_fitted_on()
    {
        var result = new CalibrationSuite().Measure(Subject);
        Assert.InRange(result.Metrics["temperature"].Value, TemperatureScaling.Lowest, TemperatureScaling.Highest);
        var (softmax, labels) = Outputs();
        Assert.Equal(softmax.Zip(labels, (row, label) => row.Select((p, k) => Math.Pow(p - (k == label ? 1 : 0), 2)).Sum()).Average(), result.Metrics["brier"].Value, 1e-5);
        Assert.True(result.Metrics["ece"].Ci95!.Value.Contains(result.Metrics["ece"].Value));
        Assert.Equal(60, result.Tables["reliability"].Sum(bin => bin[2]));
    }

    [Fact]
    public void Every_suite_is_repeatable_whatever_the_batches_and_leaves_no_tensor()
    {
        foreach (var suite in Measurable)
        {
            var first = suite.Measure(Subject);
            var before = LiveTensors.Settled();
            var second = suite.Measure(Subject);
            Assert.Equal(before, Tensor.TotalCount);
            Assert.Equal(first.Metrics, second.Metrics);
            if (suite is AdversarialSuite)
                continue;      // starts are drawn a batch at a time
            var other = suite.Measure(Subject with { BatchSize = 60 });
            Assert.All(first.Metrics, metric => Assert.Equal(metric.Value.Value, other.Metrics[metric.Key].Value, 1e-5));
        }
    }

    [Fact]
    public void At_its_ends_a_curve_is_the_clean_error()
    {
        var clean = new CleanSuite().Measure(Subject).Metrics["top1_error"].Value;
        var occlusion = new OcclusionSuite().Measure(Subject);
        var between = new InBetweenSuite().Measure(Subject);
        foreach (var kind in Occlusion.All)
            Assert.Equal(clean, occlusion.Tables[kind.Id][kind.Place == OcclusionPlace.Centre ? 0 : ^1][1], 1e-12);
        // At the ends a pair is one image, and the other's class is right too: no more errors than clean ones.
        Assert.InRange(between.Tables["mixup"][^1][1], 0, clean);
        Assert.Equal(between.Tables["mixup"][^1][1], between.Tables["cutmix"][0][1], 1e-12);
        Assert.Equal(between.Tables["mixup"][0][1], between.Tables["cutmix"][^1][1], 1e-12);
    }

    [Fact]
    public void An_evaluation_can_be_cancelled_between_batches()
    {
        using var source = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => new OcclusionSuite().Measure(Subject with { Cancellation = source.Token, Progress = _ => source.Cancel() }));
    }

    [Fact]
    public void Progress_grows_to_the_end()
    {
        foreach (var suite in Measurable)
        {
            var shares = new List<double>();
            suite.Measure(Subject with { Progress = shares.Add });
            Assert.Equal(shares.Order(), shares);
            Assert.Equal(1, shares[^1], 1e-12);
        }
    }

    [Fact]
    public void An_interval_of_the_mean_is_that_of_the_normal_law()
    {
        var values = Enumerable.Range(0, 400).Select(i => i < 100 ? 1.0 : 0.0).ToArray();
        var interval = Bootstrap.OfMean(values, new SeedStream(2).Open("test"));
        var half = 1.96 * Math.Sqrt(0.25 * 0.75 / 400);
        Assert.Equal(0.25 - half, interval.Low, 0.006);
        Assert.Equal(0.25 + half, interval.High, 0.006);
    }

    [Fact]
    public void Unknown_suites_are_refused_with_the_nearest_name() =>
        Assert.Contains("Did you mean 'occlusion'?", Assert.Throws<InputException>(() => Suites.Parse("clean,oclusion")).Message, StringComparison.Ordinal);
}
