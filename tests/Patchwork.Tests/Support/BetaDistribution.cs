namespace Patchwork.Tests.Support;

/// <summary>The exact distribution Beta(a, b), and the Kolmogorov-Smirnov distance between a sample and a distribution.</summary>
internal static class BetaDistribution
{
    /// <summary>P(X ≤ x): the regularized incomplete beta function, from its continued fraction (DLMF 8.17.22) by Lentz.</summary>
    public static double Cumulative(double x, double a, double b)
    {
        if (x <= 0)
            return 0;
        if (x >= 1)
            return 1;
        if (x > (a + 1) / (a + b + 2))
            return 1 - Cumulative(1 - x, b, a);      // the fraction converges fast only below the mean
        var front = Math.Exp(LogGamma(a + b) - LogGamma(a) - LogGamma(b) + a * Math.Log(x) + b * Math.Log(1 - x)) / a;
        var (c, d, fraction) = (1.0, 0.0, 1.0);
        for (var step = 0; step <= 1000; step++)
        {
            var m = step / 2;
            var numerator = step == 0 ? 1
                : step % 2 == 0 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
            d = 1 / NotZero(1 + numerator * d);
            c = step == 0 ? NotZero(1 + numerator / 1e-300) : NotZero(1 + numerator / c);
            var factor = step == 0 ? d : c * d;
            fraction = step == 0 ? d : fraction * factor;
            if (step > 0 && Math.Abs(factor - 1) < 1e-14)
                return front * fraction;
        }
        throw new InvalidOperationException($"The continued fraction of Beta({a}, {b}) at {x} did not converge.");
    }

    /// <summary>
    /// The largest distance between a sample's distribution and the given one; multiplied by √n it exceeds 1.95 once in 1,000 samples. A
    /// value represents all numbers that round to it: one draw in twelve from Beta(0.05, 0.05) rounds to 1.
    /// </summary>
    public static double Distance(double[] sample, Func<double, double> cumulative)
    {
        double[] sorted = [.. sample.Order()];
        var largest = 0.0;
        for (var i = 0; i < sorted.Length; i++)
        {
            var below = cumulative(Math.BitDecrement(sorted[i])) - (double)i / sorted.Length;
            var above = (double)(i + 1) / sorted.Length - cumulative(Math.BitIncrement(sorted[i]));
            largest = Math.Max(largest, Math.Max(below, above));
        }
        return largest;
    }

    /// <summary>Φ, the standard normal distribution function, by numerical integration of the density (Simpson, 200 intervals).</summary>
    public static double Normal(double x)
    {
        var end = Math.Min(Math.Abs(x), 9);
        var (width, sum) = (end / 200, 0.0);
        for (var i = 0; i <= 200; i++)
            sum += (i is 0 or 200 ? 1 : i % 2 == 0 ? 2 : 4) * Math.Exp(-0.5 * i * width * i * width);
        return 0.5 + Math.Sign(x) * sum * width / 3 / Math.Sqrt(2 * Math.PI);
    }

    // Stirling's series (DLMF 5.11.1), after the recurrence has raised the argument to 10 or more.
    private static double LogGamma(double x)
    {
        var lifted = 0.0;
        for (; x < 10; x++)
            lifted += Math.Log(x);
        var square = x * x;
        return (x - 0.5) * Math.Log(x) - x + 0.5 * Math.Log(2 * Math.PI)
            + (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - 1.0 / 1680 / square) / square) / square) / x - lifted;
    }

    private static double NotZero(double value) => Math.Abs(value) < 1e-300 ? 1e-300 : value;
}
