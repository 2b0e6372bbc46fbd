namespace Patchwork.Evaluation;

/// <summary>
/// Average precision of a class: how well its probabilities rank the images that show it before those that do not. Mean average precision
/// is the mean over the classes that some image shows.
/// </summary>
public static class AveragePrecision
{
    /// <summary>
    /// Area under the steps of precision over recall, <c>Σ (R_n - R_(n-1))·P_n</c> over the distinct scores: scikit-learn's
    /// <c>average_precision_score</c>, and what papers on multi-label images call AP (COCO, NUS-WIDE). Equal scores are one step. NaN where
    /// no image shows the class.
    /// </summary>
    /// <param name="scores">A score for each image; higher is surer.</param>
    /// <param name="shows">Whether each image shows the class.</param>
    /// <exception cref="ArgumentException">There are not as many of both.</exception>
    public static double Of(IReadOnlyList<double> scores, IReadOnlyList<bool> shows) => new RankedImages(scores, shows).AveragePrecision();

    /// <summary>
    /// The mean of the largest precision at a recall of at least 0, 0.1, …, 1: Pascal VOC's until 2009 (Everingham et al. 2010, eq. 1 and
    /// 2).
    /// </summary>
    /// <inheritdoc cref="Of"/>
    public static double ElevenPoints(IReadOnlyList<double> scores, IReadOnlyList<bool> shows)
    {
        var steps = new RankedImages(scores, shows).Steps(null).ToArray();
        return steps.Length == 0 ? double.NaN : Enumerable.Range(0, 11).Average(tenth =>
            steps.Where(step => step.Recall >= tenth / 10.0 - 1e-12).Select(step => step.Precision).DefaultIfEmpty(0).Max());
    }
}

/// <summary>Images in the order of a class's scores, sorted once for any number of resamples.</summary>
internal sealed class RankedImages
{
    private readonly int[] order;
    private readonly bool[] shows, endsStep;      // in that order

    /// <summary>Sorts.</summary>
    /// <param name="scores">A score for each image; higher is surer.</param>
    /// <param name="shows">Whether each image shows the class.</param>
    public RankedImages(IReadOnlyList<double> scores, IReadOnlyList<bool> shows)
    {
        if (scores.Count != shows.Count)
            throw new ArgumentException($"There must be a score for each image. Received: {scores.Count} and {shows.Count}.");
        order = [.. Enumerable.Range(0, scores.Count).OrderByDescending(i => scores[i])];
        this.shows = [.. order.Select(i => shows[i])];
        endsStep = [.. order.Select((image, at) => at + 1 == order.Length || scores[order[at + 1]] != scores[image])];
    }

    /// <summary>Recall and precision after each distinct score, from the highest; none where no image shows the class.</summary>
    /// <param name="times">How often each image counts; null: once.</param>
    public IEnumerable<(double Recall, double Precision)> Steps(int[]? times)
    {
        var positives = 0.0;
        for (var at = 0; at < order.Length; at++)
            positives += shows[at] ? times?[order[at]] ?? 1 : 0;
        var (right, named) = (0.0, 0.0);
        for (var at = 0; at < order.Length && positives > 0; at++)
        {
            var count = times?[order[at]] ?? 1;
            named += count;
            right += shows[at] ? count : 0;
            if (endsStep[at] && named > 0)
                yield return (right / positives, right / named);
        }
    }

    /// <summary>See <see cref="AveragePrecision.Of"/>.</summary>
    /// <param name="times">How often each image counts; null: once.</param>
    public double AveragePrecision(int[]? times = null)
    {
        var (area, before, any) = (0.0, 0.0, false);
        foreach (var (recall, precision) in Steps(times))
            (area, before, any) = (area + (recall - before) * precision, recall, true);
        return any ? area : double.NaN;
    }
}
