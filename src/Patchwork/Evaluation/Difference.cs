using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary>The difference of a metric between a method and the baseline, with its uncertainty.</summary>
/// <param name="Value">Mean over the seeds of the method's value minus the baseline's.</param>
/// <param name="OverImages">
/// 95 % interval over resampled test images, with both methods measured on the same images (paired bootstrap); null if the metric is not a
/// mean over images.
/// </param>
/// <param name="OverSeeds">95 % t-interval over the seeds, from the difference of each seed; null for a single seed.</param>
public sealed record Difference(double Value, Interval? OverImages, Interval? OverSeeds)
{
    /// <summary>
    /// True if 0 is inside a known interval, or if no interval is known: the measurements then do not rule out that nothing changed.
    /// </summary>
    public bool IsNoise => OverImages is null && OverSeeds is null || OverImages?.Contains(0) == true || OverSeeds?.Contains(0) == true;

    /// <summary>Compares a metric of two methods.</summary>
    /// <param name="metric">Its name.</param>
    /// <param name="method">The method's results, one per seed.</param>
    /// <param name="baseline">The baseline's results, for the same seeds in the same order.</param>
    /// <param name="otherImages">
    /// Whether each seed has its own test images, as in cross-validation; the images of all seeds are then pooled. Default false.
    /// </param>
    /// <exception cref="ArgumentException">The lists are empty or differ in length.</exception>
    public static Difference Of(string metric, IReadOnlyList<SuiteResult> method, IReadOnlyList<SuiteResult> baseline,
        bool otherImages = false)
    {
        if (method.Count == 0 || method.Count != baseline.Count)
            throw new ArgumentException($"Both methods need results for the same seeds. Received: {method.Count} and {baseline.Count}.");
        var differences = method.Zip(baseline, (one, other) => one.Metrics[metric].Value - other.Metrics[metric].Value).ToArray();
        return new Difference(differences.Average(), OfImages(metric, method, baseline, otherImages), TInterval(differences));
    }

    /// <summary>
    /// The 95 % t-interval of a mean: mean ± t·s/√n, with t for n - 1 degrees of freedom; null for fewer than two values.
    /// </summary>
    public static Interval? TInterval(IReadOnlyList<double> values)
    {
        if (values.Count < 2)
            return null;
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1));
        var half = StudentT(values.Count - 1) * deviation / Math.Sqrt(values.Count);
        return new Interval(mean - half, mean + half);
    }

    private static Interval? OfImages(string metric, IReadOnlyList<SuiteResult> method, IReadOnlyList<SuiteResult> baseline,
        bool otherImages)
    {
        var pairs = method.Zip(baseline).ToArray();
        if (pairs.Any(pair => !pair.First.PerImage.ContainsKey(metric) || !pair.Second.PerImage.ContainsKey(metric)))
            return null;
        if (otherImages)
            return pairs.Any(pair => pair.First.PerImage[metric].Count != pair.Second.PerImage[metric].Count) ? null
                : Bootstrap.OfMean([.. pairs.SelectMany(pair => pair.First.PerImage[metric]
                    .Zip(pair.Second.PerImage[metric], (one, other) => one - other))], new SeedStream(0).Open("paired bootstrap"));
        var images = pairs[0].First.PerImage[metric].Count;
        if (pairs.Any(pair => pair.First.PerImage[metric].Count != images || pair.Second.PerImage[metric].Count != images))
            return null;
        double[] mean = [.. Enumerable.Range(0, images)
            .Select(i => pairs.Average(pair => pair.First.PerImage[metric][i] - pair.Second.PerImage[metric][i]))];
        return Bootstrap.OfMean(mean, new SeedStream(0).Open("paired bootstrap"));
    }

    // 97.5 % quantiles of Student's t with 1 to 30 degrees of freedom; above that, the expansion in 1/df (Abramowitz and Stegun 26.7.5),
    // accurate to 1e-5.
    internal static double StudentT(int freedom)
    {
        double[] table =
        [
            12.70620, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.30600, 2.26216, 2.22814,
            2.20099, 2.17881, 2.16037, 2.14479, 2.13145, 2.11991, 2.10982, 2.10092, 2.09302, 2.08596,
            2.07961, 2.07387, 2.06866, 2.06390, 2.05954, 2.05553, 2.05183, 2.04841, 2.04523, 2.04227,
        ];
        if (freedom <= table.Length)
            return table[freedom - 1];
        const double z = 1.959963985;
        double z3 = z * z * z, z5 = z3 * z * z;
        return z + (z3 + z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * z) / (96.0 * freedom * freedom);
    }
}
