using CsCheck;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Randomness;

public sealed class DrawsTests
{
    private static readonly string[] Purposes =
    [
        "shuffle", "augment", "mix", "split", "model", "step", "shapes/train", "shapes/test",
        .. Patchwork.Evaluation.Corruption.All.Select(kind => $"corruption {kind.Id}"),
    ];

    private static Draws Draws() => new SeedStream(11).Open("mix");

    // Pearson's chi-square statistic X as (X - degrees) / √(2 degrees): roughly standard normal for a fair source.
    private static double ExcessChiSquare(int[] counts)
    {
        var expected = counts.Average();
        var statistic = counts.Sum(count => (count - expected) * (count - expected) / expected);
        return (statistic - (counts.Length - 1)) / Math.Sqrt(2.0 * (counts.Length - 1));
    }

    [Fact]
    public void Uniform_draws_follow_the_uniform_distribution()
    {
        var draws = Draws();
        double[] sample = [.. Enumerable.Range(0, 50_000).Select(_ => draws.Uniform())];
        Assert.All(sample, value => Assert.True(value is >= 0 and < 1));
        Assert.InRange(BetaDistribution.Distance(sample, x => x) * Math.Sqrt(sample.Length), 0, 1.95);
    }

    [Fact]
    public void Uniform_draws_between_bounds_are_scaled_unit_draws() =>
        Gen.Select(Gen.Double[-100, 100], Gen.Double[-100, 100]).Sample((low, high) =>
            Draws().Uniform(low, high) == low + (high - low) * Draws().Uniform());

    [Fact]
    public void Bulk_normal_draws_follow_the_normal_distribution_and_neighbours_do_not_correlate()
    {
        var values = new double[20_001];
        Draws().Normals(values);
        Assert.InRange(BetaDistribution.Distance(values, BetaDistribution.Normal) * Math.Sqrt(values.Length), 0, 1.95);
        // Both values of a pair share one radius; a dependence would show as a correlation of the values or of their squares.
        double Correlation(Func<double, double> of) => Enumerable.Range(0, 10_000).Average(i => of(values[2 * i]) * of(values[2 * i + 1]));
        Assert.InRange(Correlation(z => z) * 100, -4, 4);
        Assert.InRange(Correlation(z => (z * z - 1) / Math.Sqrt(2)) * 100, -4, 4);
    }

    [Fact]
    public void Normal_draws_follow_the_normal_distribution()
    {
        var draws = Draws();
        double[] sample = [.. Enumerable.Range(0, 20_000).Select(_ => draws.Normal())];
        Assert.InRange(BetaDistribution.Distance(sample, BetaDistribution.Normal) * Math.Sqrt(sample.Length), 0, 1.95);
    }

    [Theory, InlineData(0.0), InlineData(0.25), InlineData(1.0)]
    public void Frequency_of_an_event_matches_its_probability(double probability)
    {
        var draws = Draws();
        var share = Enumerable.Range(0, 20_000).Average(_ => draws.Bernoulli(probability) ? 1.0 : 0);
        Assert.Equal(probability, share, 4 * Math.Sqrt(probability * (1 - probability) / 20_000));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(7), InlineData(100), InlineData(1000)]
    public void Every_integer_is_equally_likely(int exclusive)
    {
        var draws = Draws();
        var counts = new int[exclusive];
        for (var i = 0; i < 100 * Math.Max(exclusive, 100); i++)
            counts[draws.Integer(exclusive)]++;
        if (exclusive > 1)
            Assert.InRange(ExcessChiSquare(counts), -4, 4);
    }

    // 3 · 2^29 does not divide 2^32: a plain product or remainder would make one value in three twice as likely.
    [Theory, InlineData(3 << 29), InlineData(int.MaxValue)]
    public void Integers_are_unbiased_for_ranges_that_do_not_divide_two_to_the_32(int exclusive)
    {
        var draws = Draws();
        var (thirds, remainders) = (new int[3], new int[3]);
        for (var i = 0; i < 60_000; i++)
        {
            var value = draws.Integer(exclusive);
            Assert.InRange(value, 0, exclusive - 1);
            thirds[(int)(value / ((exclusive + 2L) / 3))]++;
            remainders[value % 3]++;
        }
        Assert.InRange(ExcessChiSquare(thirds), -4, 4);
        Assert.InRange(ExcessChiSquare(remainders), -4, 4);
    }

    [Fact]
    public void All_24_orders_of_four_are_equally_likely()
    {
        var draws = Draws();
        var counts = new Dictionary<string, int>();
        for (var i = 0; i < 24_000; i++)
        {
            var order = string.Join(",", draws.Permutation(4));
            counts[order] = counts.GetValueOrDefault(order) + 1;
        }
        Assert.Equal(24, counts.Count);
        Assert.InRange(ExcessChiSquare([.. counts.Values]), -4, 4);
    }

    [Fact]
    public void A_permutation_contains_every_index_once() =>
        Gen.Select(Gen.Int[0, 300], Gen.ULong).Sample((count, seed) =>
            new SeedStream(seed).Open("shuffle").Permutation(count).Order().SequenceEqual(Enumerable.Range(0, count)));

    [Fact]
    public void Purposes_in_use_have_different_hashes() =>
        Assert.Equal(Purposes.Length, Purposes.Select(Patchwork.Randomness.Draws.Hash).Distinct().Count());

    [Theory, InlineData(0), InlineData(-3)]
    public void An_empty_range_is_rejected(int exclusive) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Draws().Integer(exclusive));
}
