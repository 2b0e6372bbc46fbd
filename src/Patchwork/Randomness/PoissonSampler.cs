namespace Patchwork.Randomness;

/// <summary>
/// Draws from Poisson(rate). Rates of 10 or more use transformed rejection (Hörmann, "The transformed rejection method for generating
/// Poisson random variables", 1993, PTRS); lower rates count how many uniforms multiply to exp(-rate).
/// </summary>
internal static class PoissonSampler
{
    public static long Draw(Draws draws, double rate)
    {
        if (!(rate >= 0) || double.IsInfinity(rate))
            throw new ArgumentOutOfRangeException(nameof(rate),
                FormattableString.Invariant($"A rate must be at least 0. Received: rate = {rate}."));
        return rate < 10 ? ByProducts(draws, rate) : ByRejection(draws, rate);
    }

    private static long ByProducts(Draws draws, double rate)
    {
        var least = Math.Exp(-rate);
        var count = 0L;
        for (var product = draws.Uniform(); product > least; product *= draws.Uniform())
            count++;
        return count;
    }

    private static long ByRejection(Draws draws, double rate)
    {
        var root = Math.Sqrt(rate);
        var b = 0.931 + 2.53 * root;
        var a = -0.059 + 0.02483 * b;
        var inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
        var accepted = 0.9277 - 3.6224 / (b - 2);
        while (true)
        {
            var (u, v) = (draws.Uniform() - 0.5, draws.Uniform());
            var us = 0.5 - Math.Abs(u);
            var k = Math.Floor((2 * a / us + b) * u + rate + 0.43);
            if (us >= 0.07 && v <= accepted)
                return (long)k;
            if (k < 0 || us < 0.013 && v > us)
                continue;
            if (Math.Log(v * inverseAlpha / (a / (us * us) + b)) <= k * Math.Log(rate) - rate - LogFactorial(k))
                return (long)k;
        }
    }

    // Stirling's series, shifted to where two terms are enough for 1e-9.
    private static double LogFactorial(double k)
    {
        var (x, shift) = (k + 1, 1.0);
        for (; x < 12; x++)
            shift *= x;
        var square = 1 / (x * x);
        return (x - 0.5) * Math.Log(x) - x + 0.5 * Math.Log(2 * Math.PI)
            + (1 / 12.0 - square * (1 / 360.0 - square / 1260)) / x - Math.Log(shift);
    }
}
