using Xunit;

namespace Patchwork.Tests.Support;

public sealed class BetaDistributionTests
{
    [Theory]
    [InlineData(0.3, 1, 1, 0.3)]                       // uniform: x
    [InlineData(0.3, 2, 2, 0.216)]                     // 3x² - 2x³
    [InlineData(0.3, 5, 1, 0.00243)]                   // x⁵
    [InlineData(0.2, 0.5, 0.5, 0.295167235300867)]     // arcsine law: 2/π · asin √x
    [InlineData(0.9, 0.5, 0.5, 0.795167235300867)]
    [InlineData(0.5, 0.05, 0.05, 0.5)]
    [InlineData(0.5, 20, 20, 0.5)]
    public void Values_match_closed_forms(double x, double a, double b, double expected) =>
        Assert.Equal(expected, BetaDistribution.Cumulative(x, a, b), 1e-10);

    [Theory, InlineData(0, 0.5), InlineData(1.959963984540054, 0.975), InlineData(-1, 0.158655253931457)]
    public void Values_match_quantiles_of_the_normal_distribution(double x, double expected) =>
        Assert.Equal(expected, BetaDistribution.Normal(x), 1e-9);
}
