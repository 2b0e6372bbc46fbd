namespace Patchwork.Evaluation;

/// <summary>
/// The number of images of each class, of images predicted as it, and of correct predictions, with the metrics that follow from them. For a
/// class without images that is never predicted, precision, recall and F1 are NaN; a class with images that is never predicted has a
/// precision of 0, as in scikit-learn.
/// </summary>
/// <param name="Shown">Number of images of each class.</param>
/// <param name="Named">Number of images predicted as each class.</param>
/// <param name="Right">Number of images of each class that were predicted as it.</param>
internal sealed record ClassCounts(double[] Shown, double[] Named, double[] Right)
{
    /// <summary>Counts images by their true and predicted classes.</summary>
    /// <param name="classes">Number of classes, K.</param>
    /// <param name="pairs">True and predicted class of each image.</param>
    /// <param name="times">How often each image counts; null for once each.</param>
    public static ClassCounts Of(int classes, IReadOnlyList<(int True, int Predicted)> pairs, int[]? times = null)
    {
        var counts = new ClassCounts(new double[classes], new double[classes], new double[classes]);
        for (var i = 0; i < pairs.Count; i++)
        {
            var (shown, named) = pairs[i];
            var count = times?[i] ?? 1;
            counts.Shown[shown] += count;
            counts.Named[named] += count;
            if (shown == named)
                counts.Right[shown] += count;
        }
        return counts;
    }

    /// <summary>Share of the images predicted as a class that belong to it.</summary>
    public double Precision(int k) => Named[k] > 0 ? Right[k] / Named[k] : Shown[k] > 0 ? 0 : double.NaN;

    /// <summary>Share of a class's images that are predicted as it.</summary>
    public double Recall(int k) => Shown[k] > 0 ? Right[k] / Shown[k] : double.NaN;

    /// <summary>Harmonic mean of precision and recall, <c>2·TP/(2·TP + FP + FN)</c>.</summary>
    public double F1(int k) => Shown[k] + Named[k] is > 0 and var all ? 2 * Right[k] / all : double.NaN;

    /// <summary>Mean F1 of the classes that have images or are predicted.</summary>
    public double MacroF1 => Mean(F1);

    /// <summary>Mean recall of the classes that have images: the accuracy if every class had the same number of images.</summary>
    public double BalancedAccuracy => Mean(Recall);

    private double Mean(Func<int, double> value)
    {
        var (sum, count) = (0.0, 0);
        for (var k = 0; k < Shown.Length; k++)
        {
            if (value(k) is var one && double.IsFinite(one))
                (sum, count) = (sum + one, count + 1);
        }
        return count > 0 ? sum / count : double.NaN;
    }

    /// <summary>Returns macro-F1, balanced accuracy, then precision, recall and F1 of each class.</summary>
    public double[] Numbers() => [MacroF1, BalancedAccuracy, .. Enumerable.Range(0, Shown.Length).Select(Precision),
        .. Enumerable.Range(0, Shown.Length).Select(Recall), .. Enumerable.Range(0, Shown.Length).Select(F1)];
}
