namespace Patchwork.Losses;

/// <summary>Weights of classes that are not equally many; each makes the mean weight over the classes, or over the images, 1.</summary>
public static class ClassWeighting
{
    /// <summary>β of <see cref="Effective"/> where none is given.</summary>
    public const double DefaultBeta = 0.999;

    /// <summary>
    /// Inverse to the number of images, <c>N / (K·n_k)</c>: every class counts the same in all, and the mean weight of an image is 1
    /// (scikit-learn's <c>balanced</c>).
    /// </summary>
    /// <param name="counts">Number of images of each class, at least one.</param>
    public static IReadOnlyList<double> Balanced(IReadOnlyList<int> counts)
    {
        Check(counts);
        var all = counts.Sum(count => (double)count);
        return [.. counts.Select(count => all / (counts.Count * (double)count))];
    }

    /// <summary>
    /// Inverse to the effective number of images, <c>(1-β)/(1-β^n_k)</c>, times what makes their sum K (Cui et al., "Class-Balanced Loss
    /// Based on Effective Number of Samples", CVPR 2019, eq. 3): each further image of a class brings less that is new.
    /// </summary>
    /// <param name="counts">Number of images of each class, at least one.</param>
    /// <param name="beta">β; 0 weighs all classes alike, towards 1 it becomes inverse to the number. Range [0, 1). Default 0.999.</param>
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
