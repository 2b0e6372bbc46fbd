using Patchwork.Evaluation;
using Patchwork.Randomness;
using Xunit;

namespace Patchwork.Tests.Evaluation;

public sealed class DifferenceTests
{
    [Theory, InlineData(1, 12.7062), InlineData(2, 4.3027), InlineData(30, 2.0423), InlineData(31, 2.0395), InlineData(60, 2.0003),
        InlineData(120, 1.9799)]
    public void Quantiles_of_t_match_the_published_tables(int freedom, double expected) =>
        Assert.Equal(expected, Difference.StudentT(freedom), 1e-4);

    [Fact]
    public void The_t_interval_matches_the_textbook_formula()
    {
        // 1, 2, 3: mean 2, standard deviation 1, half-width 4.3027 / √3.
        var interval = Difference.TInterval([1, 2, 3])!.Value;
        Assert.Equal((2 - 2.48414, 2 + 2.48414), (interval.Low, interval.High), Close);
        Assert.Null(Difference.TInterval([1]));
    }

    [Fact]
    public void A_paired_difference_ignores_images_that_both_methods_get_wrong()
    {
        // Both get 10 of 200 images wrong and the baseline 12 more. Unpaired, the intervals of 22/200 and 10/200 overlap.
        SuiteResult Of(int wrong) => Results(Enumerable.Range(0, 200).Select(i => i < wrong ? 1.0 : 0.0));
        var change = Difference.Of("error", [Of(10)], [Of(22)]);
        Assert.Equal(-0.06, change.Value, 1e-12);
        Assert.False(change.IsNoise);
        Assert.Null(change.OverSeeds);
        Assert.True(Difference.Of("error", [Of(10), Of(22)], [Of(22), Of(10)]).IsNoise);
        Assert.True(Difference.Of("error", [Of(10)], [Of(11)]).IsNoise);
    }

    private static SuiteResult Results(IEnumerable<double> errors)
    {
        var result = new SuiteResult();
        result.AddMean("error", [.. errors], new SeedStream(0));
        return result;
    }

    private static bool Close((double, double) a, (double, double) b) =>
        Math.Abs(a.Item1 - b.Item1) < 1e-4 && Math.Abs(a.Item2 - b.Item2) < 1e-4;
}
