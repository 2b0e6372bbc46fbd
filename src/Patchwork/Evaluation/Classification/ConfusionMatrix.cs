namespace Patchwork.Evaluation;

/// <summary>
/// How often each class was taken for each other, and what follows from it. A class that was neither shown nor named has no precision, no
/// recall and no F1, which are NaN; one that was shown and never named has a precision of 0, as scikit-learn counts.
/// </summary>
/// <param name="Counts">Number of images by true class (row) and predicted class (column).</param>
internal sealed record ConfusionMatrix(double[][] Counts)
{
    /// <summary>Of images with their true and predicted classes, each counted so often.</summary>
    /// <param name="classes">K.</param>
    /// <param name="pairs">True and predicted class of each image.</param>
    /// <param name="times">How often each image counts; null: once.</param>
    public static ConfusionMatrix Of(int classes, IReadOnlyList<(int True, int Predicted)> pairs, int[]? times = null)
    {
        var counts = new double[classes][];
        for (var k = 0; k < classes; k++)
            counts[k] = new double[classes];
        for (var i = 0; i < pairs.Count; i++)
            counts[pairs[i].True][pairs[i].Predicted] += times?[i] ?? 1;
        return new(counts);
    }

    private int Classes => Counts.Length;

    /// <summary>Images of a class.</summary>
    public double Shown(int k) => Counts[k].Sum();

    /// <summary>Images that were taken for a class.</summary>
    public double Named(int k) => Counts.Sum(row => row[k]);

    /// <summary>Share of the images that were taken for a class which are of it.</summary>
    public double Precision(int k) => Named(k) is > 0 and var named ? Counts[k][k] / named : Shown(k) > 0 ? 0 : double.NaN;

    /// <summary>Share of a class's images that were taken for it.</summary>
    public double Recall(int k) => Shown(k) is > 0 and var shown ? Counts[k][k] / shown : double.NaN;

    /// <summary>Harmonic mean of precision and recall, <c>2·TP/(2·TP + FP + FN)</c>.</summary>
    public double F1(int k) => Shown(k) + Named(k) is > 0 and var all ? 2 * Counts[k][k] / all : double.NaN;

    /// <summary>Mean F1 of the classes that were shown or named.</summary>
    public double MacroF1 => Mean(F1);

    /// <summary>Mean recall of the classes that were shown: accuracy as if every class had equally many images.</summary>
    public double BalancedAccuracy => Mean(Recall);

    private double Mean(Func<int, double> value) =>
        Enumerable.Range(0, Classes).Select(value).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();

    /// <summary>Macro-F1, balanced accuracy, then precision, recall and F1 of each class.</summary>
    public double[] Numbers() => [MacroF1, BalancedAccuracy, .. Enumerable.Range(0, Classes).Select(Precision),
        .. Enumerable.Range(0, Classes).Select(Recall), .. Enumerable.Range(0, Classes).Select(F1)];
}
