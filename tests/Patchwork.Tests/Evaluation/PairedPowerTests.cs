using Patchwork.Evaluation;
using Patchwork.Randomness;
using Xunit;

namespace Patchwork.Tests.Evaluation;

public sealed class PairedPowerTests
{
    // Computed with the noncentral t distribution of scipy 1.10.
    [Theory]
    [InlineData(2, 11.549888)]
    [InlineData(3, 3.264044)]
    [InlineData(5, 1.681997)]
    [InlineData(10, 0.996001)]
    [InlineData(30, 0.529236)]
    public void The_effect_that_is_found_with_80_percent_matches_the_noncentral_t_distribution(int seeds, double deviations)
    {
        var differences = Enumerable.Range(0, seeds).Select(k => k % 2 == 0 ? 1.0 : -1.0).ToArray();
        var deviation = Statistic.Of(differences).StandardDeviation;
        Assert.Equal(deviations, PairedPower.Detectable(differences)!.Value / deviation, 1e-3);
    }

    [Theory, InlineData(3, 0.387400), InlineData(5, 0.619261), InlineData(10, 0.761157)]
    public void The_power_at_three_standard_errors_matches_the_noncentral_t_distribution(int seeds, double power) =>
        Assert.Equal(power, PairedPower.Of(3, seeds), 1e-4);

    [Theory, InlineData(2), InlineData(3), InlineData(8)]
    public void Without_a_difference_the_test_errs_in_one_of_twenty_experiments(int seeds) =>
        Assert.Equal(0.05, PairedPower.Of(0, seeds), 1e-4);

    // The claim itself, by simulation: of many experiments with a true difference of the detectable size, four in five find it.
    [Fact]
    public void Four_of_five_experiments_find_a_difference_of_the_detectable_size()
    {
        const int experiments = 4_000, seeds = 5;
        double[] typical = [1, -1, 1, -1, 0];      // of standard deviation 1
        var shift = PairedPower.Detectable(typical)!.Value;
        var draws = new SeedStream(4).Open("normal");
        var found = 0;
        for (var i = 0; i < experiments; i++)
        {
            double[] differences = [.. Enumerable.Range(0, seeds).Select(_ => draws.Normal() + shift)];
            found += Difference.TInterval(differences)!.Value.Contains(0) ? 0 : 1;
        }
        Assert.Equal(0.8, found / (double)experiments, 0.02);
    }

    // A normal distribution: 1.96 + 0.84 standard errors.
    [Fact]
    public void Few_test_images_limit_what_is_detected_as_few_seeds_do()
    {
        Assert.Equal(2.8016 / 1.96, PairedPower.Detectable([0.01, -0.01, 0], new(-1, 1))!.Value, 1e-3);
        Assert.Equal(PairedPower.Detectable([1, -1, 0]), PairedPower.Detectable([1, -1, 0], new(-0.1, 0.1)));
    }

    [Fact]
    public void One_seed_or_equal_differences_say_nothing_about_the_power()
    {
        Assert.Null(PairedPower.Detectable([1]));
        Assert.Null(PairedPower.Detectable([2, 2, 2]));
    }
}
