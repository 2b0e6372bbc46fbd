namespace Patchwork.Evaluation;

/// <summary>
/// The power of a paired t-test at the 5 % level: how likely it is to detect a difference, given how much the difference varies from seed
/// to seed. "No difference was seen" means little unless a difference of interesting size would have been seen.
/// </summary>
public static class PairedPower
{
    private const double Power = 0.8;      // the usual target: detected in four of five experiments
    private const double Normal975 = 1.959964, Normal80 = 0.841621;      // quantiles of the normal distribution

    /// <summary>
    /// The smallest true difference that would have been detected with probability 0.8, in either direction, in spite of the variation
    /// over the seeds and, if it is known, over the test images, each taken alone; null for fewer than two seeds, or if all differences are
    /// equal. It is an estimate: if both variations matter, a test of both detects it in about seven of ten experiments, and with three
    /// seeds the true standard deviation lies between half and six times the one that was measured (χ², 95 %).
    /// </summary>
    /// <param name="differences">The difference of each seed, in any unit.</param>
    /// <param name="images">The 95 % interval of the mean difference over the test images, in the same unit; null: not known.</param>
    public static double? Detectable(IReadOnlyList<double> differences, Interval? images = null)
    {
        if (differences.Count < 2 || Statistic.Of(differences).StandardDeviation is not (> 0 and var deviation))
            return null;
        var ofSeeds = Effect(differences.Count) * deviation / Math.Sqrt(differences.Count);
        return images is not { } ends ? ofSeeds : Math.Max(ofSeeds, (ends.High - ends.Low) / 2 / Normal975 * (Normal975 + Normal80));
    }

    /// <summary>
    /// The probability that the test detects a difference of <paramref name="shift"/> standard errors with <paramref name="count"/> pairs:
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

    private static double Effect(int count)
    {
        double low = 0, high = 1;
        while (Of(high, count) < Power)
            high *= 2;
        for (var i = 0; i < 50; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = Of(middle, count) < Power ? (middle, high) : (low, middle);
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
