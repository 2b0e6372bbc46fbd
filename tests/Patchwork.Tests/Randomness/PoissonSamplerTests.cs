using Patchwork.Randomness;
using Xunit;

namespace Patchwork.Tests.Randomness;

public sealed class PoissonSamplerTests
{
    private const int Count = 100_000;

    // Both sampling algorithms, and the switch between them at a rate of 10.
    [Theory, InlineData(0.3), InlineData(4), InlineData(9.99), InlineData(10), InlineData(37), InlineData(500)]
    public void Counts_follow_the_Poisson_distribution(double rate)
    {
        var draws = new SeedStream(11).Open("poisson test");
        var counts = new Dictionary<long, int>();
        for (var i = 0; i < Count; i++)
        {
            var drawn = draws.Poisson(rate);
            counts[drawn] = counts.GetValueOrDefault(drawn) + 1;
        }
        var (statistic, bins, rest, restExpected) = (0.0, 0, Count, (double)Count);
        var logarithm = -rate;      // log-probability of k
        for (var k = 0L; k < rate + 12 * Math.Sqrt(rate) + 12; k++)
        {
            var expected = Count * Math.Exp(logarithm);
            if (expected >= 5)
            {
                var seen = counts.GetValueOrDefault(k);
                statistic += (seen - expected) * (seen - expected) / expected;
                (bins, rest, restExpected) = (bins + 1, rest - seen, restExpected - expected);
            }
            logarithm += Math.Log(rate / (k + 1));
        }
        statistic += (rest - restExpected) * (rest - restExpected) / Math.Max(restExpected, 5);
        var part = 2.0 / (9 * bins);
        Assert.InRange(statistic, 0, bins * Math.Pow(1 - part + 3.09 * Math.Sqrt(part), 3));      // Wilson-Hilferty, 99.9 %
    }

    [Fact]
    public void Rate_0_gives_0_and_negative_or_infinite_rates_are_rejected()
    {
        var draws = new SeedStream(11).Open("poisson test");
        Assert.Equal(0, draws.Poisson(0));
        foreach (var rate in (double[])[-1, double.NaN, double.PositiveInfinity])
            Assert.Throws<ArgumentOutOfRangeException>(() => draws.Poisson(rate));
    }
}
