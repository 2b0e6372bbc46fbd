namespace Patchwork.Evaluation;

/// <summary>The images whose confidence falls into one bin of a reliability diagram.</summary>
/// <param name="Lower">Lower bound of the confidences, exclusive.</param>
/// <param name="Upper">Upper bound of the confidences, inclusive.</param>
/// <param name="Count">Number of images.</param>
/// <param name="Confidence">Their mean confidence; NaN without images.</param>
/// <param name="Accuracy">Share of them that are classified correctly; NaN without images.</param>
public readonly record struct ReliabilityBin(double Lower, double Upper, long Count, double Confidence, double Accuracy)
{
    /// <summary>|accuracy - confidence|; 0 without images.</summary>
    public double Gap => Count == 0 ? 0 : Math.Abs(Accuracy - Confidence);
}

/// <summary>
/// Measures how far confidences are from the accuracy (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3). The
/// confidence of an image is its largest softmax value.
/// </summary>
public static class CalibrationError
{
    /// <summary>Default number of bins of a reliability diagram, as in Guo et al.</summary>
    public const int Bins = 15;

    /// <summary>
    /// Returns bins (lower, upper] of equal width from 0 to 1, as in the public temperature_scaling code: the edges are in single
    /// precision, as its linspace returns them.
    /// </summary>
    /// <param name="confidences">Largest softmax value of each image.</param>
    /// <param name="correct">Whether each image's best class is its label.</param>
    /// <param name="bins">Number of bins. Range: at least 1.</param>
    /// <param name="times">How often each image counts; null for once each.</param>
    public static ReliabilityBin[] EqualWidth(IReadOnlyList<float> confidences, IReadOnlyList<bool> correct, int bins = Bins,
        int[]? times = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        var (count, confidence, right) = (new long[bins], new double[bins], new long[bins]);
        for (var i = 0; i < confidences.Count; i++)
        {
            var often = times?[i] ?? 1;
            var bin = Math.Clamp((int)Math.Ceiling(confidences[i] * bins) - 1, 0, bins - 1);
            // The product may be rounded across an edge; the comparison with the edge itself is exact.
            if (bin > 0 && confidences[i] <= Edge(bin))
                bin--;
            else if (bin < bins - 1 && confidences[i] > Edge(bin + 1))
                bin++;
            count[bin] += often;
            confidence[bin] += often * (double)confidences[i];
            right[bin] += correct[i] ? often : 0;
        }
        return [.. Enumerable.Range(0, bins)
            .Select(b => new ReliabilityBin(Edge(b), Edge(b + 1), count[b], confidence[b] / count[b], (double)right[b] / count[b]))];

        // Computed from both ends towards the middle, as in torch.linspace.
        float Edge(int index) => index < (bins + 1) / 2 ? index * (1f / bins) : 1 - (bins - index) * (1f / bins);
    }

    /// <summary>
    /// Returns bins with numbers of images as equal as possible, in order of confidence (Nixon et al., "Measuring Calibration in Deep
    /// Learning", 2019).
    /// </summary>
    /// <inheritdoc cref="EqualWidth"/>
    public static ReliabilityBin[] EqualMass(IReadOnlyList<float> confidences, IReadOnlyList<bool> correct, int bins = Bins)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        // Differs from the public outlier-exposure code, which omits the last, most confident bin.
        var order = Enumerable.Range(0, confidences.Count).OrderBy(i => confidences[i]).ToArray();
        var lower = 0.0;
        return [.. Enumerable.Range(0, bins).Select(b =>
        {
            var inside = order[(int)((long)order.Length * b / bins)..(int)((long)order.Length * (b + 1) / bins)];
            var upper = inside.Length == 0 ? lower : confidences[inside[^1]];
            var bin = new ReliabilityBin(lower, upper, inside.Length, inside.Length == 0 ? double.NaN
                : inside.Average(i => (double)confidences[i]),
                inside.Length == 0 ? double.NaN : (double)inside.Count(i => correct[i]) / inside.Length);
            lower = upper;
            return bin;
        })];
    }

    /// <summary>Expected calibration error: the mean gap of the bins, weighted by their number of images. 0 to 1.</summary>
    public static double Expected(IReadOnlyList<ReliabilityBin> bins) => bins.Sum(bin => bin.Count * bin.Gap) / bins.Sum(bin => bin.Count);

    /// <summary>Maximum calibration error: the largest gap. 0 to 1.</summary>
    public static double Maximum(IReadOnlyList<ReliabilityBin> bins) => bins.Max(bin => bin.Gap);
}
