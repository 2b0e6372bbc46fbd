namespace Patchwork.Randomness;

/// <summary>
/// Samples Beta(a, b) as X / (X + Y) of two gamma variables, computed in logarithms so that small parameters neither underflow nor give
/// NaN: with a = b = 0.05, half of all draws are within 1e-6 of 0 or 1.
/// </summary>
public static class BetaSampler
{
    /// <summary>Draws one value on [0, 1].</summary>
    /// <param name="draws">The stream to draw from.</param>
    /// <param name="a">First shape, positive.</param>
    /// <param name="b">Second shape, positive.</param>
    public static double Draw(Draws draws, double a, double b)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(a);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(b);
        if (a == 1 && b == 1)
            return draws.Uniform();      // the paper's α = 1 is the uniform distribution
        var logX = LogGamma(draws, a);
        var logY = LogGamma(draws, b);
        return 1 / (1 + Math.Exp(logY - logX));
    }

    /// <summary>
    /// Logarithm of a Gamma(shape, 1) variable: Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables" (2000), section 2;
    /// for shapes below 1, their note X(shape) = X(shape + 1) · U^(1/shape).
    /// </summary>
    private static double LogGamma(Draws draws, double shape)
    {
        if (shape < 1)
            return LogGamma(draws, shape + 1) + Math.Log(1 - draws.Uniform()) / shape;
        var d = shape - 1.0 / 3;
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = draws.Normal();
            var root = 1 + c * x;
            if (root <= 0)
                continue;
            var v = root * root * root;
            if (Math.Log(1 - draws.Uniform()) < 0.5 * x * x + d - d * v + d * Math.Log(v))
                return Math.Log(d * v);
        }
    }
}
