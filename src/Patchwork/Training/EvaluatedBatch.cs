using System.Runtime.InteropServices;
using Patchwork.Distributed;
using Patchwork.Evaluation;
using Patchwork.Internals;
using Patchwork.Losses;
using Patchwork.Plans;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>The counts of one batch of an evaluation.</summary>
/// <param name="Images">Number of images.</param>
/// <param name="Loss">Sum of their losses.</param>
/// <param name="Top1">Number of images whose best class is right.</param>
/// <param name="Top5">Number of images whose label is among the five best classes.</param>
/// <param name="Scores">The logits of images with several labels, row by row; empty for images with one label.</param>
/// <param name="Truths">
/// For the same images, 1 for a class that is shown and 0 for one that is not; empty for images with one label.
/// </param>
internal sealed record EvaluatedBatch(int Images, double Loss, long Top1, long Top5, float[] Scores, float[] Truths)
{
    private const int Numbers = 5;      // per record, before scores and truths

    /// <summary>Counts one batch.</summary>
    /// <param name="logits">Logits (N, K).</param>
    /// <param name="batch">The images with their labels, (N) or (N, K).</param>
    /// <param name="loss">The loss of the batch.</param>
    /// <param name="reduction">How the loss was reduced.</param>
    public static EvaluatedBatch Of(Tensor logits, Batch batch, Tensor loss, Reduction reduction)
    {
        var sum = reduction == Reduction.Mean ? loss.ToDouble() * batch.Count : loss.sum().ToDouble();
        if (batch.Labels.dim() == 1)
        {
            var ranks = Ranking.Of(logits, batch.Labels);
            return new(batch.Count, sum, ranks.lt(One).sum().ToInt64(), ranks.lt(Held(5)).sum().ToInt64(), [], []);
        }
        var order = logits.argsort(1, descending: true);
        var hits = batch.Labels.gather(1, order);      // from the best class down
        return new(batch.Count, sum, hits.narrow(1, 0, 1).sum().ToInt64(), hits.narrow(1, 0, Math.Min(5, hits.size(1))).amax([1]).sum()
            .ToInt64(), [.. Subject.Rows(logits).SelectMany(row => row)], [.. Subject.Rows(batch.Labels).SelectMany(row => row)]);
    }

    /// <summary>The batches of all ranks, in the order in which a single process would have them.</summary>
    /// <param name="ranks">The ranks, which took batches in turn.</param>
    /// <param name="own">The batches of this rank.</param>
    public static IReadOnlyList<EvaluatedBatch> OfAll(Ranks ranks, IReadOnlyList<EvaluatedBatch> own)
    {
        if (ranks.Alone)
            return own;
        EvaluatedBatch[][] all = [.. ranks.Gather([.. own.SelectMany(batch => batch.ToBytes())]).Select(FromBytes)];
        return [.. from turn in Enumerable.Range(0, all.Max(batches => batches.Length)) from batches in all
            where turn < batches.Length select batches[turn]];
    }

    /// <summary>Computes the result for the whole set.</summary>
    public static EvaluationResult Total(IReadOnlyList<EvaluatedBatch> batches)
    {
        var (images, loss, top1, top5) = (0L, 0.0, 0L, 0L);
        foreach (var batch in batches)
            (images, loss, top1, top5) = (images + batch.Images, loss + batch.Loss, top1 + batch.Top1, top5 + batch.Top5);
        return new EvaluationResult(images, loss / images, 1 - (double)top1 / images, 1 - (double)top5 / images)
        {
            MeanAveragePrecision = batches.All(batch => batch.Scores.Length == 0) ? null
                : new MultiLabelScores([.. batches.SelectMany(batch => batch.Rows(batch.Scores))],
                    [.. batches.SelectMany(batch => batch.Rows(batch.Truths)).Select(row => Array.ConvertAll(row, shown => shown > 0.5f))])
                    .MeanAveragePrecision(),
        };
    }

    private IEnumerable<float[]> Rows(float[] values) => values.Chunk(Math.Max(1, values.Length / Images));

    private byte[] ToBytes() =>
    [
        .. MemoryMarshal.AsBytes<double>(new double[] { Images, Loss, Top1, Top5, Scores.Length }),
        .. MemoryMarshal.AsBytes<float>(Scores), .. MemoryMarshal.AsBytes<float>(Truths),
    ];

    private static EvaluatedBatch[] FromBytes(byte[] bytes)
    {
        var batches = new List<EvaluatedBatch>();
        for (var at = 0; at < bytes.Length;)
        {
            var numbers = MemoryMarshal.Cast<byte, double>(bytes.AsSpan(at, Numbers * sizeof(double))).ToArray();
            at += Numbers * sizeof(double);
            var length = (int)numbers[^1];
            var values = MemoryMarshal.Cast<byte, float>(bytes.AsSpan(at, 2 * length * sizeof(float))).ToArray();
            at += 2 * length * sizeof(float);
            batches.Add(new((int)numbers[0], numbers[1], (long)numbers[2], (long)numbers[3], values[..length], values[length..]));
        }
        return [.. batches];
    }
}
