namespace Patchwork.Evaluation;

/// <summary>
/// Temperature scaling (Guo et al., ICML 2017, section 4.2): the single T that minimizes the negative log-likelihood of softmax(z / T) on
/// held-out images.
/// </summary>
/// <remarks>
/// Differs from the public code, whose L-BFGS stops short of the optimum and can return a negative T: the negative log-likelihood is convex
/// in 1/T, so bisection finds the only zero of its derivative.
/// </remarks>
public static class TemperatureScaling
{
    /// <summary>The lowest temperature that is considered.</summary>
    public const double Lowest = 0.01;

    /// <summary>The highest temperature that is considered.</summary>
    public const double Highest = 100;

    /// <summary>Returns the best temperature in [0.01, 100]; 1 if all temperatures are equally good.</summary>
    /// <param name="logits">Logits, one row of K per image.</param>
    /// <param name="labels">The images' classes.</param>
    /// <exception cref="ArgumentException">There are no images, or the number of labels differs from theirs.</exception>
    public static double Fit(IReadOnlyList<float[]> logits, IReadOnlyList<int> labels)
    {
        if (logits.Count == 0 || logits.Count != labels.Count)
            throw new ArgumentException($"A temperature needs images with one label each. Received: {logits.Count} rows of logits, "
                + $"{labels.Count} labels.");
        if (logits.All(row => row.All(value => value == row[0])))
            return 1;
        var (low, high) = (1 / Highest, 1 / Lowest);
        if (Slope(low) >= 0)
            return Highest;
        if (Slope(high) <= 0)
            return Lowest;
        for (var i = 0; i < 200 && low < high; i++)
        {
            var middle = (low + high) / 2;
            if (middle == low || middle == high)
                break;
            if (Slope(middle) < 0)
                low = middle;
            else
                high = middle;
        }
        return 2 / (low + high);

        // d NLL / d(1/T) = mean of (Σ p·z - z of the label), p = softmax(z / T).
        double Slope(double inverse) => Enumerable.Range(0, logits.Count).Average(i =>
        {
            var row = logits[i];
            var top = row.Max();
            var (sum, weighted) = (0.0, 0.0);
            foreach (var value in row)
            {
                var weight = Math.Exp((value - (double)top) * inverse);
                sum += weight;
                weighted += weight * value;
            }
            return weighted / sum - row[labels[i]];
        });
    }

    /// <summary>Mean negative log-likelihood of the labels, in nats, at a temperature.</summary>
    /// <inheritdoc cref="Fit"/>
    public static double NegativeLogLikelihood(IReadOnlyList<float[]> logits, IReadOnlyList<int> labels, double temperature) =>
        Enumerable.Range(0, logits.Count).Average(i => LogSumExp(logits[i], temperature) - logits[i][labels[i]] / temperature);

    private static double LogSumExp(float[] row, double temperature)
    {
        var top = row.Max() / temperature;
        return top + Math.Log(row.Sum(value => Math.Exp(value / temperature - top)));
    }
}
