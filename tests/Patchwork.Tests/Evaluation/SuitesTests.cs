using Patchwork.Evaluation;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Evaluation;

/// <summary>Laws of every suite of the catalogue.</summary>
[Collection(SerialCollection.Name)]
public sealed class SuitesTests : IDisposable
{
    private readonly LinearSubject linear = new();

    public void Dispose() => linear.Dispose();

    // The suites that need only a network and a test set. Localization and transfer have separate tests.
    private Suite[] Measurable => [.. Suites.All.Where(suite => suite.Missing(linear.Images) is null)];

    [Fact]
    public void Every_suite_is_repeatable_for_any_batch_size_and_leaks_no_tensor()
    {
        Assert.Equal(Suites.All.Count - 2, Measurable.Length);
        foreach (var suite in Measurable)
        {
            var first = suite.Measure(linear.Subject);
            var before = LiveTensors.Settled();
            var second = suite.Measure(linear.Subject);
            Assert.Equal(before, Tensor.TotalCount);
            Assert.Equal(first.Metrics, second.Metrics);
            if (suite is AdversarialSuite)
                continue;      // random starts are drawn per batch
            var other = suite.Measure(linear.Subject with { BatchSize = 60 });
            Assert.All(first.Metrics, metric => Assert.Equal(metric.Value.Value, other.Metrics[metric.Key].Value, 1e-5));
        }
    }

    [Fact]
    public void Progress_never_decreases_and_ends_at_1()
    {
        foreach (var suite in Measurable)
        {
            var shares = new List<double>();
            suite.Measure(linear.Subject with { Progress = shares.Add });
            Assert.Equal(shares.Order(), shares);
            Assert.Equal(1, shares[^1], 1e-12);
        }
    }

    [Fact]
    public void Measuring_leaves_no_gradient_and_no_tensor_behind()
    {
        using var random = new RandomPixels();
        void Round()
        {
            using var each = NewDisposeScope();
            foreach (var attack in Attack.All)
                attack.Of(random.Model, random.Pixels, random.Labels, random.Seeds, 0);
            foreach (var score in OutScore.All)
                score.Of(random.Model, random.Pixels, random.Model.Logits(random.Pixels));
            foreach (var kind in Occlusion.All)
                kind.Of(random.Pixels, 4, random.Model.Normalization);
        }
        Round();
        var before = LiveTensors.Settled();
        Round();
        Assert.Equal(before, Tensor.TotalCount);
        Assert.All(random.Network.parameters(), parameter => Assert.True(parameter.grad is null));
    }

    [Fact]
    public void Option_names_are_unique_and_setting_one_changes_the_fingerprint_of_its_suite()
    {
        var options = Suites.All.SelectMany(suite => suite.Options.Select(option => (Suite: suite, Option: option))).ToArray();
        Assert.Equal(options.Length, options.DistinctBy(one => one.Option.Name).Count());
        Assert.Equal(options.Length, options.DistinctBy(one => one.Option.Property).Count());
        foreach (var (suite, option) in options)
        {
            var set = option.Set(suite, "7");
            Assert.Equal((suite.Id, suite.GetType()), (set.Id, set.GetType()));
            Assert.NotEqual(suite.Fingerprint.ToJsonString(), set.Fingerprint.ToJsonString());
            Assert.StartsWith($"{suite.GetType().Name}.", option.Property, StringComparison.Ordinal);
            Assert.NotNull(suite.GetType().GetProperty(option.Property.Split('.')[1]));
        }
    }

    // The options as the first version stored them, so that results of runs that were already evaluated are still recognized.
    [Theory]
    // Results without the numbers of each class are measured again.
    [InlineData("clean", """
        {"limit":null,"layer":null,"transfer":null,"corruptions":null,"out_sets":null,"per_class":"precision, recall, F1"}
        """)]
    [InlineData("ood", """{"limit":null,"layer":null,"transfer":null,"corruptions":null,"out_sets":[]}""")]
    [InlineData("localization", """{"limit":null,"layer":"layer3","transfer":null,"corruptions":null,"out_sets":null}""")]
    [InlineData("transfer", """{"limit":null,"layer":null,"transfer":"cifar10 5","corruptions":null,"out_sets":null}""")]
    public void Fingerprints_are_stored_as_in_the_first_version(string id, string stored)
    {
        var given = new Dictionary<string, string> { ["layer"] = "layer3", ["transfer-to"] = "cifar10", ["transfer-epochs"] = "5" };
        var plain = Suites.All.Single(suite => suite.Id == id);
        var suite = plain.Options.Aggregate(plain, (one, option) => given.TryGetValue(option.Name, out var text) ? option.Set(one, text)
            : one);
        Assert.Equal(stored, Suites.Stored(suite, null).ToJsonString());
        Assert.StartsWith("""{"limit":40,""", Suites.Stored(suite, 40).ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Exactly_one_headline_is_the_test_error() =>
        Assert.Equal("top1_error", Assert.Single(Suites.All.SelectMany(suite => suite.Headlines), headline => headline.IsTestError).Metric);

    [Fact]
    public void The_bootstrap_interval_of_a_mean_matches_the_normal_approximation()
    {
        var values = Enumerable.Range(0, 400).Select(i => i < 100 ? 1.0 : 0.0).ToArray();
        var interval = Bootstrap.OfMean(values, new SeedStream(2).Open("test"));
        var half = 1.96 * Math.Sqrt(0.25 * 0.75 / 400);
        Assert.Equal(0.25 - half, interval.Low, 0.006);
        Assert.Equal(0.25 + half, interval.High, 0.006);
    }

    [Fact]
    public void Unknown_suites_are_rejected_and_the_nearest_name_suggested() => Assert.Contains("Did you mean 'occlusion'?",
        Assert.Throws<InputException>(() => Suites.Parse("clean,oclusion")).Message, StringComparison.Ordinal);
}
