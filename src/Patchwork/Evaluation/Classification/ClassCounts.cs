namespace Patchwork.Evaluation;

/// <summary>
/// How many images of each class were shown, how many were taken for it, and how many of these were right; and what follows from it. A
/// class that was neither shown nor named has no precision, no recall and no F1, which are NaN; one that was shown and never named has a
/// precision of 0, as scikit-learn counts.
/// </summary>
/// <param name="Shown">Images of each class.</param>
/// <param name="Named">Images that were taken for each class.</param>
/// <param name="Right">Images of each class that were taken for it.</param>
internal sealed record ClassCounts(double[] Shown, double[] Named, double[] Right)
{
    /// <summary>Of images with their true and predicted classes, each counted so often.</summary>
    /// <param name="classes">K.</param>
    /// <param name="pairs">True and predicted class of each image.</param>
    /// <param name="times">How often each image counts; null: once.</param>
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

    /// <summary>Share of the images that were taken for a class which are of it.</summary>
    public double Precision(int k) => Named[k] > 0 ? Right[k] / Named[k] : Shown[k] > 0 ? 0 : double.NaN;

    /// <summary>Share of a class's images that were taken for it.</summary>
    public double Recall(int k) => Shown[k] > 0 ? Right[k] / Shown[k] : double.NaN;

    /// <summary>Harmonic mean of precision and recall, <c>2·TP/(2·TP + FP + FN)</c>.</summary>
    public double F1(int k) => Shown[k] + Named[k] is > 0 and var all ? 2 * Right[k] / all : double.NaN;

    /// <summary>Mean F1 of the classes that were shown or named.</summary>
    public double MacroF1 => Mean(F1);

    /// <summary>Mean recall of the classes that were shown: accuracy as if every class had equally many images.</summary>
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

    /// <summary>Macro-F1, balanced accuracy, then precision, recall and F1 of each class.</summary>
    public double[] Numbers() => [MacroF1, BalancedAccuracy, .. Enumerable.Range(0, Shown.Length).Select(Precision),
        .. Enumerable.Range(0, Shown.Length).Select(Recall), .. Enumerable.Range(0, Shown.Length).Select(F1)];
}
