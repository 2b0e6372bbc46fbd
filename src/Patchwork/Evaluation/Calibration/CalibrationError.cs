namespace Patchwork.Evaluation;

/// <summary>The images whose confidence falls into one bin of a reliability diagram.</summary>
/// <param name="Lower">Lower end of the confidences, outside the bin.</param>
/// <param name="Upper">Upper end, inside the bin.</param>
/// <param name="Count">Images.</param>
/// <param name="Confidence">Their mean confidence; NaN without images.</param>
/// <param name="Accuracy">Share of them that are right; NaN without images.</param>
public readonly record struct ReliabilityBin(double Lower, double Upper, long Count, double Confidence, double Accuracy)
{
    /// <summary>|accuracy - confidence|; 0 without images.</summary>
    public double Gap => Count == 0 ? 0 : Math.Abs(Accuracy - Confidence);
}

/// <summary>
/// How far confidences are from the accuracy they promise (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3).
/// The confidence of an image is its largest softmax value.
/// </summary>
public static class CalibrationError
{
    /// <summary>Bins of a reliability diagram where nothing else is said: those of Guo et al.</summary>
    public const int Bins = 15;

    /// <summary>Bins (lower, upper] of equal width from 0 to 1, as in the public temperature_scaling code: edges in single precision, as
    /// its linspace makes them.</summary>
    /// <param name="confidences">Largest softmax value of each image.</param>
    /// <param name="correct">Whether each image's best class is its label.</param>
    /// <param name="bins">How many. Range: at least 1.</param>
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
            // The product may round across an edge that the comparison with the edge itself does not.
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

        // From both ends towards the middle, as torch.linspace.
        float Edge(int index) => index < (bins + 1) / 2 ? index * (1f / bins) : 1 - (bins - index) * (1f / bins);
    }

    /// <summary>
    /// Bins of as equal a number of images as there can be, in the order of their confidence (Nixon et al., "Measuring Calibration in Deep
    /// Learning", 2019).
    /// </summary>
    /// <inheritdoc cref="EqualWidth"/>
    public static ReliabilityBin[] EqualMass(IReadOnlyList<float> confidences, IReadOnlyList<bool> correct, int bins = Bins)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        // Differs from the public outlier-exposure code, which leaves the last, most confident bin out.
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

    /// <summary>Expected calibration error: the gaps of the bins, weighted by their images. 0 to 1.</summary>
    public static double Expected(IReadOnlyList<ReliabilityBin> bins) => bins.Sum(bin => bin.Count * bin.Gap) / bins.Sum(bin => bin.Count);

    /// <summary>Maximum calibration error: the largest gap. 0 to 1.</summary>
    public static double Maximum(IReadOnlyList<ReliabilityBin> bins) => bins.Max(bin => bin.Gap);
}
