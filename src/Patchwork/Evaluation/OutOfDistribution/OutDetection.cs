namespace Patchwork.Evaluation;

/// <summary>
/// How well scores separate in-distribution images (in-images) from out-of-distribution images (out-images). All values are between 0 and
/// 1; in-images are the positive class.
/// </summary>
/// <param name="Auroc">
/// Area under the receiver operating characteristic: the probability that an in-image scores higher than an out-image, with equal scores
/// counting half.
/// </param>
/// <param name="TnrAt95Tpr">Share of out-images rejected at the first threshold that accepts 95 % of the in-images.</param>
/// <param name="DetectionAccuracy">Largest mean of the shares of in-images accepted and out-images rejected.</param>
/// <param name="AuprIn">Average precision, in-images positive.</param>
/// <param name="AuprOut">Average precision, out-images positive and scores negated.</param>
public sealed record DetectionMetrics(double Auroc, double TnrAt95Tpr, double DetectionAccuracy, double AuprIn, double AuprOut);

/// <summary>A point of a receiver operating characteristic.</summary>
/// <param name="FalsePositiveRate">Share of out-images accepted.</param>
/// <param name="TruePositiveRate">Share of in-images accepted.</param>
public readonly record struct RocPoint(double FalsePositiveRate, double TruePositiveRate);

/// <summary>
/// Scores of in-distribution images (in-images) and out-of-distribution images (out-images), sorted once. A higher score means that an
/// image is more like the training images. Images with the same score are accepted or rejected together, so ties count half, as in
/// scikit-learn.
/// </summary>
/// <remarks>
/// Differs from the code of Lee et al. 2018, which the CutMix paper follows: there ties count fully against the method, the threshold is
/// the one nearest to 95 % from either side, and the precision curves get anchors. Without ties the areas under the curve are equal.
/// </remarks>
public sealed class OutDetection
{
    private readonly int[] inGroup, outGroup;      // the rank of each image's score among the distinct scores, highest first
    private readonly int groups;

    /// <summary>Sorts the scores.</summary>
    /// <exception cref="ArgumentException">One side is empty, or a score is not a number.</exception>
    public OutDetection(IReadOnlyList<double> inScores, IReadOnlyList<double> outScores)
    {
        if (inScores.Count == 0 || outScores.Count == 0 || inScores.Concat(outScores).Any(double.IsNaN))
            throw new ArgumentException($"Detection needs scores of both kinds of images and no NaN. Received: "
                + $"{inScores.Count} in, {outScores.Count} out.");
        var distinct = inScores.Concat(outScores).Distinct().OrderDescending().ToArray();
        var place = distinct.Index().ToDictionary(pair => pair.Item, pair => pair.Index);
        (inGroup, outGroup, groups) =
            ([.. inScores.Select(score => place[score])], [.. outScores.Select(score => place[score])], distinct.Length);
    }

    /// <summary>Number of in-images.</summary>
    public int In => inGroup.Length;

    /// <summary>Number of out-images.</summary>
    public int Out => outGroup.Length;

    /// <summary>Computes the metrics.</summary>
    public DetectionMetrics Metrics() => Metrics(null, null);

    /// <summary>Computes the metrics with each image counted the given number of times.</summary>
    internal DetectionMetrics Metrics(int[]? inTimes, int[]? outTimes)
    {
        var (ins, outs) = (Count(inGroup, inTimes), Count(outGroup, outTimes));
        double positives = ins.Sum(), negatives = outs.Sum();
        var (accepted, mistaken, area, accuracy, auprIn) = (0L, 0L, 0.0, 0.5, 0.0);
        double? tnr = null;
        for (var g = 0; g < groups; g++)
        {
            area += outs[g] * (accepted + ins[g] / 2.0);
            accepted += ins[g];
            mistaken += outs[g];
            var (tpr, fpr) = (accepted / positives, mistaken / negatives);
            accuracy = Math.Max(accuracy, (tpr + 1 - fpr) / 2);
            if (ins[g] > 0)
                auprIn += ins[g] / positives * accepted / (accepted + mistaken);
            if (tpr >= 0.95)
                tnr ??= 1 - fpr;
        }
        var (auprOut, rejected, lost) = (0.0, 0L, 0L);
        for (var g = groups - 1; g >= 0; g--)
        {
            rejected += outs[g];
            lost += ins[g];
            if (outs[g] > 0)
                auprOut += outs[g] / negatives * rejected / (rejected + lost);
        }
        return new DetectionMetrics(area / positives / negatives, tnr!.Value, accuracy, auprIn, auprOut);
    }

    /// <summary>Returns the receiver operating characteristic from (0, 0) to (1, 1), one point per distinct score.</summary>
    public IReadOnlyList<RocPoint> Roc()
    {
        var (ins, outs) = (Count(inGroup, null), Count(outGroup, null));
        var points = new List<RocPoint> { new(0, 0) };
        var (accepted, mistaken) = (0L, 0L);
        for (var g = 0; g < groups; g++)
            points.Add(new((double)(mistaken += outs[g]) / Out, (double)(accepted += ins[g]) / In));
        return points;
    }

    private long[] Count(int[] group, int[]? times)
    {
        var counts = new long[groups];
        for (var i = 0; i < group.Length; i++)
            counts[group[i]] += times?[i] ?? 1;
        return counts;
    }
}
