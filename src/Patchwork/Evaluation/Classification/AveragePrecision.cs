namespace Patchwork.Evaluation;

/// <summary>
/// Average precision of a class: how well its probabilities rank the images that show it before those that do not. Mean average precision
/// is the
/// mean over the classes that some image shows.
/// </summary>
public static class AveragePrecision
{
    /// <summary>
    /// Area under the steps of precision over recall, <c>Σ (R_n - R_(n-1))·P_n</c> over the distinct scores: scikit-learn's
    /// <c>average_precision_score</c>, and what papers on multi-label images call AP (COCO, NUS-WIDE). Equal scores are one step. NaN
    /// where no image
    /// shows the class.
    /// </summary>
    /// <param name="scores">A score for each image; higher is surer.</param>
    /// <param name="shows">Whether each image shows the class.</param>
    /// <param name="times">How often each image counts; null: once.</param>
    public static double Of(IReadOnlyList<double> scores, IReadOnlyList<bool> shows, int[]? times = null) =>
        Steps(scores, shows, times) is { Count: > 0 } steps
            ? steps.Zip(steps.Prepend((0, 1)), (step, before) => (step.Recall - before.Item1) * step.Precision).Sum() : double.NaN;

    /// <summary>
    /// The mean of the largest precision at a recall of at least 0, 0.1, …, 1: Pascal VOC's until 2009 (Everingham et al. 2010, eq. 1 and
    /// 2).
    /// </summary>
    /// <inheritdoc cref="Of"/>
    public static double ElevenPoints(IReadOnlyList<double> scores, IReadOnlyList<bool> shows)
    {
        var steps = Steps(scores, shows, null);
        return steps.Count == 0 ? double.NaN : Enumerable.Range(0, 11).Average(tenth =>
            steps.Where(step => step.Recall >= tenth / 10.0 - 1e-12).Select(step => step.Precision).DefaultIfEmpty(0).Max());
    }

    // Recall and precision after each distinct score, from the highest.
    private static List<(double Recall, double Precision)> Steps(IReadOnlyList<double> scores, IReadOnlyList<bool> shows, int[]? times)
    {
        if (scores.Count != shows.Count)
            throw new ArgumentException($"There must be a score for each image. Received: {scores.Count} and {shows.Count}.");
        var order = Enumerable.Range(0, scores.Count).OrderByDescending(i => scores[i]).ToArray();
        double Times(int i) => times?[i] ?? 1;
        var positives = order.Where(i => shows[i]).Sum(Times);
        var steps = new List<(double, double)>();
        var (right, named) = (0.0, 0.0);
        for (var at = 0; at < order.Length && positives > 0;)
        {
            var score = scores[order[at]];
            for (; at < order.Length && scores[order[at]] == score; at++)
            {
                named += Times(order[at]);
                right += shows[order[at]] ? Times(order[at]) : 0;
            }
            if (named > 0)
                steps.Add((right / positives, right / named));
        }
        return steps;
    }
}
