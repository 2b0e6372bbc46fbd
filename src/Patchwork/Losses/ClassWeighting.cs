namespace Patchwork.Losses;

/// <summary>Class weights for imbalanced data, scaled so that the mean weight over the classes, or over the images, is 1.</summary>
public static class ClassWeighting
{
    /// <summary>The default β of <see cref="Effective"/>.</summary>
    public const double DefaultBeta = 0.999;

    /// <summary>
    /// Weights inversely proportional to the number of images, <c>N / (K·n_k)</c>: every class counts the same in total, and the mean
    /// weight of an image is 1 (scikit-learn's <c>balanced</c>).
    /// </summary>
    /// <param name="counts">Number of images of each class, at least one.</param>
    public static IReadOnlyList<double> Balanced(IReadOnlyList<int> counts)
    {
        Check(counts);
        var all = counts.Sum(count => (double)count);
        return [.. counts.Select(count => all / (counts.Count * (double)count))];
    }

    /// <summary>
    /// Weights inversely proportional to the effective number of images, <c>(1-β)/(1-β^n_k)</c>, scaled to sum to K (Cui et al.,
    /// "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019, eq. 3): each further image of a class adds less information.
    /// </summary>
    /// <param name="counts">Number of images of each class, at least one.</param>
    /// <param name="beta">
    /// β; 0 weighs all classes equally, and values near 1 approach weights inversely proportional to the number of images. Range [0, 1).
    /// Default 0.999.
    /// </param>
    public static IReadOnlyList<double> Effective(IReadOnlyList<int> counts, double beta = DefaultBeta)
    {
        Check(counts);
        if (beta is not (>= 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(beta), FormattableString.Invariant($"β must lie in [0, 1). Received: {beta}."));
        double[] raw = [.. counts.Select(count => (1 - beta) / (1 - Math.Pow(beta, count)))];
        var sum = raw.Sum();
        return [.. raw.Select(weight => counts.Count * weight / sum)];
    }

    private static void Check(IReadOnlyList<int> counts)
    {
        if (counts.Count == 0 || counts.Any(count => count < 1))
            throw new ArgumentException($"Every class must have an image. Received: {string.Join(", ", counts)}.", nameof(counts));
    }
}
