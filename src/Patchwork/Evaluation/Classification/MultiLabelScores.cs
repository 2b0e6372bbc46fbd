using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// Metrics for images with several labels: ranking by <see cref="AveragePrecision"/>, and decisions at a threshold. All are defined as in
/// scikit-learn.
/// </summary>
/// <param name="probabilities">A probability for each image (row) and class.</param>
/// <param name="shows">Whether each image shows each class.</param>
internal sealed class MultiLabelScores(IReadOnlyList<float[]> probabilities, IReadOnlyList<bool[]> shows)
{
    private readonly RankedImages?[] ranked = new RankedImages?[probabilities[0].Length];

    /// <summary>Whether each image shows each class, from rows (N, K) of 0 and 1.</summary>
    public static IEnumerable<bool[]> Shows(Tensor labels) =>
        Subject.Rows(labels).Select(row => row.Select(value => value > 0.5f).ToArray());

    /// <summary>Number of classes, K.</summary>
    public int Classes => probabilities[0].Length;

    /// <summary>Number of images.</summary>
    public int Images => probabilities.Count;

    /// <summary>Every label of every image, image by image.</summary>
    public IReadOnlyList<(float Probability, bool Shows)> Forecasts =>
        [.. probabilities.Zip(shows, (row, truth) => row.Zip(truth)).SelectMany(row => row)];

    /// <summary>The Brier score of each image, <c>Σ_k (p_k - y_k)²</c>.</summary>
    public double[] BrierScores() => [.. probabilities.Zip(shows, (row, truth) =>
        row.Zip(truth, (probability, shown) => probability - (shown ? 1.0 : 0.0)).Sum(difference => difference * difference))];

    /// <summary>Average precision of a class; NaN if no image shows it.</summary>
    /// <param name="k">The class.</param>
    /// <param name="times">How often each image counts; null for once each.</param>
    public double AveragePrecisionOf(int k, int[]? times = null)
    {
        ranked[k] ??= new([.. probabilities.Select(row => (double)row[k])], [.. shows.Select(row => row[k])]);
        return ranked[k]!.AveragePrecision(times);
    }

    /// <summary>Mean average precision over the classes that at least one image shows.</summary>
    public double MeanAveragePrecision(int[]? times = null) => Enumerable.Range(0, Classes).Select(k => AveragePrecisionOf(k, times))
        .Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();

    /// <summary>Counts for each class the images that show it, those predicted to show it, and the correct predictions.</summary>
    /// <param name="threshold">The minimum probability at which a class is predicted.</param>
    /// <param name="times">How often each image counts; null for once each.</param>
    public ClassCounts At(double threshold, int[]? times = null)
    {
        var counts = new ClassCounts(new double[Classes], new double[Classes], new double[Classes]);
        for (var i = 0; i < Images; i++)
        {
            var count = times?[i] ?? 1;
            for (var k = 0; k < Classes; k++)
            {
                var named = probabilities[i][k] >= threshold;
                counts.Shown[k] += shows[i][k] ? count : 0;
                counts.Named[k] += named ? count : 0;
                counts.Right[k] += named && shows[i][k] ? count : 0;
            }
        }
        return counts;
    }

    /// <summary>F1 over all decisions together, <c>2·ΣTP/(ΣTP + ΣFP + ΣTP + ΣFN)</c>.</summary>
    public static double MicroF1(ClassCounts counts) =>
        counts.Shown.Sum() + counts.Named.Sum() is > 0 and var all ? 2 * counts.Right.Sum() / all : double.NaN;

    /// <summary>Returns for each image 1 if all of its classes are decided correctly, otherwise 0.</summary>
    public double[] ExactMatches(double threshold) => [.. probabilities.Zip(shows, (row, truth) =>
        row.Zip(truth, (probability, shown) => probability >= threshold == shown).All(right => right) ? 1.0 : 0.0)];

    /// <summary>
    /// Returns the threshold, one of the probabilities, that maximizes <see cref="MicroF1"/>; the highest of equally good ones.
    /// </summary>
    public double BestThreshold()
    {
        var pairs = Enumerable.Range(0, Images).SelectMany(i =>
                Enumerable.Range(0, Classes).Select(k => (P: probabilities[i][k], S: shows[i][k])))
            .OrderByDescending(pair => pair.P).ToArray();
        double positives = pairs.Count(pair => pair.S), right = 0, best = -1, threshold = 0.5;
        for (var at = 0; at < pairs.Length; at++)
        {
            right += pairs[at].S ? 1 : 0;
            if (at + 1 < pairs.Length && pairs[at + 1].P == pairs[at].P)
                continue;
            if (2 * right / (positives + at + 1) is var f1 && f1 > best)
                (best, threshold) = (f1, pairs[at].P);
        }
        return threshold;
    }
}
