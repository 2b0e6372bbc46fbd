using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Randomness;

public sealed class BetaSamplerTests
{
    private const int Count = 20_000;

    public static TheoryData<double, double> Shapes =>
        new()
        {
            { 0.05, 0.05 }, { 0.1, 0.1 }, { 0.25, 0.25 }, { 0.5, 0.5 }, { 1, 1 }, { 2, 2 }, { 5, 5 },
            { 20, 20 }, { 0.3, 3 }, { 4, 1 },
        };

    private static double[] Sample(double a, double b)
    {
        var draws = new SeedStream(7).Open("mix");
        return [.. Enumerable.Range(0, Count).Select(_ => draws.Beta(a, b))];
    }

    // A correct sampler exceeds these limits at most once in 1,000 runs; the seed is fixed, so the outcome is too.
    [Theory, MemberData(nameof(Shapes))]
    public void Draws_follow_the_Beta_distribution(double a, double b)
    {
        var distance = BetaDistribution.Distance(Sample(a, b), x => BetaDistribution.Cumulative(x, a, b));
        Assert.InRange(distance * Math.Sqrt(Count), 0, 1.95);
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Mean_and_variance_match_the_Beta_distribution(double a, double b)
    {
        var sample = Sample(a, b);
        var mean = a / (a + b);
        var variance = a * b / ((a + b) * (a + b) * (a + b + 1));
        Assert.Equal(mean, sample.Average(), 4 * Math.Sqrt(variance / Count));
        var squares = sample.Select(x => (x - mean) * (x - mean)).ToArray();
        var fourth = squares.Average(square => square * square);
        Assert.Equal(variance, squares.Average(), 4 * Math.Sqrt((fourth - variance * variance) / Count));
    }

    [Theory, InlineData(1e-3), InlineData(1e-6), InlineData(1e6)]
    public void Extreme_shapes_give_numbers_between_0_and_1(double alpha)
    {
        var draws = new SeedStream(7).Open("mix");
        Assert.All(Enumerable.Range(0, 1000).Select(_ => draws.Beta(alpha, alpha)), value => Assert.InRange(value, 0, 1));
    }

    [Theory, InlineData(0, 1), InlineData(1, 0), InlineData(-1, 1)]
    public void A_shape_that_is_not_positive_is_rejected(double a, double b) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new SeedStream(0).Open("mix").Beta(a, b));
}
