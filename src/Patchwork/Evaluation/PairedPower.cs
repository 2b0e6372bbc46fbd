namespace Patchwork.Evaluation;

/// <summary>
/// The power of a paired t-test at the 5 % level: how likely it is to find a difference, given how much the difference varies from seed to
/// seed. "No difference was seen" means little unless a difference of interesting size would have been seen.
/// </summary>
public static class PairedPower
{
    /// <summary>The usual target: a difference of the detectable size is found in four of five experiments.</summary>
    public const double Usual = 0.8;

    /// <summary>
    /// The smallest true difference that would have been found with probability <paramref name="power"/>, in either direction; null for
    /// fewer than two values.
    /// </summary>
    /// <param name="differences">The difference of each seed, in any unit.</param>
    /// <param name="power">The probability. Range: above 0.05, below 1. Default 0.8.</param>
    public static double? Detectable(IReadOnlyList<double> differences, double power = Usual)
    {
        if (power is not (> 0.05 and < 1))
            throw new ArgumentOutOfRangeException(nameof(power), $"The power must lie between 0.05 and 1. Received: {power}.");
        return differences.Count < 2 ? null
            : Effect(differences.Count, power) * Statistic.Of(differences).StandardDeviation / Math.Sqrt(differences.Count);
    }

    /// <summary>
    /// The probability that the test finds a difference of <paramref name="shift"/> standard errors with <paramref name="count"/> pairs:
    /// P(|T| > t) of the noncentral t distribution with count - 1 degrees of freedom.
    /// </summary>
    internal static double Of(double shift, int count)
    {
        // T = (Z + shift)/W with Z standard normal and W = √(χ²/ν), so the probability is a mean over W, whose density is proportional to
        // w^(ν-1)·exp(-ν·w²/2).
        const int points = 4_000;
        var freedom = count - 1;
        var critical = Difference.StudentT(freedom);
        var most = 1 + 10 / Math.Sqrt(freedom);
        double sum = 0, mass = 0;
        for (var i = 0; i < points; i++)
        {
            var w = (i + 0.5) / points * most;
            var density = Math.Exp((freedom - 1) * Math.Log(w) - freedom * (w * w - 1) / 2);
            mass += density;
            sum += density * (1 - Phi(critical * w - shift) + Phi(-critical * w - shift));
        }
        return sum / mass;
    }

    private static double Effect(int count, double power)
    {
        double low = 0, high = 1;
        while (Of(high, count) < power)
            high *= 2;
        for (var i = 0; i < 50; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = Of(middle, count) < power ? (middle, high) : (low, middle);
        }
        return high;
    }

    // The normal distribution function by its error function (Abramowitz and Stegun 7.1.26), accurate to 1.5e-7.
    private static double Phi(double x)
    {
        var z = Math.Abs(x) / Math.Sqrt(2);
        var t = 1 / (1 + 0.3275911 * z);
        var tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.Exp(-z * z);
        return x < 0 ? tail / 2 : 1 - tail / 2;
    }
}
