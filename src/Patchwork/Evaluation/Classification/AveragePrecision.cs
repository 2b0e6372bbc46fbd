namespace Patchwork.Evaluation;

/// <summary>
/// Average precision of a class: how well its probabilities rank the images that show it above those that do not. Mean average precision is
/// the mean over the classes that at least one image shows.
/// </summary>
public static class AveragePrecision
{
    /// <summary>
    /// Computes the area under the steps of precision against recall, <c>Σ (R_n - R_(n-1))·P_n</c> over the distinct scores. This is
    /// scikit-learn's <c>average_precision_score</c>, and the AP of papers on multi-label images (COCO, NUS-WIDE). Equal scores form one
    /// step. NaN if no image shows the class.
    /// </summary>
    /// <param name="scores">One score per image; a higher score means more confidence.</param>
    /// <param name="shows">Whether each image shows the class.</param>
    /// <exception cref="ArgumentException">The lists differ in length.</exception>
    public static double Of(IReadOnlyList<double> scores, IReadOnlyList<bool> shows) => new RankedImages(scores, shows).AveragePrecision();

    /// <summary>
    /// Computes the mean of the largest precision at a recall of at least 0, 0.1, …, 1, which Pascal VOC used until 2009 (Everingham et al.
    /// 2010, eq. 1 and 2).
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

    /// <summary>Sorts the images.</summary>
    /// <param name="scores">One score per image; a higher score means more confidence.</param>
    /// <param name="shows">Whether each image shows the class.</param>
    public RankedImages(IReadOnlyList<double> scores, IReadOnlyList<bool> shows)
    {
        if (scores.Count != shows.Count)
            throw new ArgumentException($"There must be one score per image. Received: {scores.Count} and {shows.Count}.");
        order = [.. Enumerable.Range(0, scores.Count).OrderByDescending(i => scores[i])];
        this.shows = [.. order.Select(i => shows[i])];
        endsStep = [.. order.Select((image, at) => at + 1 == order.Length || scores[order[at + 1]] != scores[image])];
    }

    /// <summary>Returns recall and precision after each distinct score, from the highest; none if no image shows the class.</summary>
    /// <param name="times">How often each image counts; null for once each.</param>
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
    /// <param name="times">How often each image counts; null for once each.</param>
    public double AveragePrecision(int[]? times = null)
    {
        var (area, before, any) = (0.0, 0.0, false);
        foreach (var (recall, precision) in Steps(times))
            (area, before, any) = (area + (recall - before) * precision, recall, true);
        return any ? area : double.NaN;
    }
}
