using Patchwork.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// <c>ood</c>: whether the network's scores tell test images from images of other kinds: drawn noise and blobs, as many as there are test images, and
/// the sets that the subject names. A <c>mean_…</c> is over the sets.
/// </summary>
public sealed class OutOfDistributionSuite : Suite
{
    /// <inheritdoc/>
    public override string Id => "ood";

    /// <inheritdoc/>
    public override string Title => "Out-of-distribution detection";

    /// <inheritdoc/>
    public override string Summary => "Max-softmax, energy and ODIN scores: AUROC, TNR at 95 % TPR, AUPR, detection accuracy against noise, blobs and other sets.";

    /// <inheritdoc/>
    public override IReadOnlyList<Headline> Headlines { get; } =
    [
        new("mean_msp_auroc", "unknown images, AUROC %, softmax", LowerIsBetter: false),
        new("mean_energy_auroc", "unknown images, AUROC %, energy", LowerIsBetter: false),
        new("mean_odin_auroc", "unknown images, AUROC %, ODIN", LowerIsBetter: false),
        new("mean_msp_tnr_at_95_tpr", "unknown images rejected, %, softmax", LowerIsBetter: false),
    ];

    /// <inheritdoc/>
    public override SuiteResult Measure(Subject subject)
    {
        var result = new SuiteResult();
        var outSets = OutSet.Drawn.Select(id => (Id: id, Images: OutSet.Draw(id, subject.Test, subject.Test.Count, subject.Seeds))).Concat(subject.OutSets).ToArray();
        using var model = new PixelModel(subject.Network, subject.Test.Normalization);
        var inside = Scores(subject, model, subject.Test, 0, outSets.Length + 1);
        var means = new Dictionary<string, List<DetectionMetrics>>();
        foreach (var (index, (id, images)) in outSets.Index())
        {
            var outside = Scores(subject, model, images, index + 1, outSets.Length + 1);
            foreach (var score in OutScore.All)
            {
                var detection = new OutDetection(inside[score.Id], outside[score.Id]);
                var name = $"{id}_{score.Id}";
                var metrics = detection.Metrics();
                var intervals = Bootstrap.Of(detection.In, detection.Out, subject.Seeds.Open($"bootstrap {name}"), (ins, outs) => Values(detection.Metrics(ins, outs)));
                foreach (var (measure, k) in Measures.Select((measure, k) => (measure, k)))
                    result.Add($"{name}_{measure}", Values(metrics)[k], intervals[k], detection.In + detection.Out);
                result.AddTable($"{name}_roc", Curve(detection.Roc()));
                if (score is MaxSoftmax)
                    result.AddTable($"{name}_histogram", Histogram(inside[score.Id], outside[score.Id]));
                if (!means.TryAdd(score.Id, [metrics]))
                    means[score.Id].Add(metrics);
            }
        }
        foreach (var (score, all) in means)
        {
            foreach (var (measure, k) in Measures.Select((measure, k) => (measure, k)))
                result.Add($"mean_{score}_{measure}", all.Average(metrics => Values(metrics)[k]), null, subject.Test.Count);
        }
        return result;
    }

    private static readonly string[] Measures = ["auroc", "tnr_at_95_tpr", "detection_accuracy", "aupr_in", "aupr_out"];

    private static double[] Values(DetectionMetrics metrics) => [metrics.Auroc, metrics.TnrAt95Tpr, metrics.DetectionAccuracy, metrics.AuprIn, metrics.AuprOut];

    private static Dictionary<string, List<double>> Scores(Subject subject, PixelModel model, Dataset images, int part, int parts)
    {
        var scores = OutScore.All.ToDictionary(score => score.Id, _ => new List<double>());
        foreach (var batch in subject.Batches(images, part, parts))
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            var logits = model.Logits(batch.Images);
            foreach (var score in OutScore.All)
                scores[score.Id].AddRange(Subject.Numbers(score.Of(model, batch.Images, logits)));
        }
        return scores;
    }

    // Rows [lower end, share of in-images, share of out-images] of twenty bins over [0, 1].
    private static IEnumerable<double[]> Histogram(IReadOnlyList<double> inside, IReadOnlyList<double> outside)
    {
        const int bins = 20;
        return Enumerable.Range(0, bins).Select(bin => new[] { (double)bin / bins, Share(inside, bin), Share(outside, bin) });

        static double Share(IReadOnlyList<double> scores, int bin) => (double)scores.Count(score => Math.Min((int)(score * bins), bins - 1) == bin) / scores.Count;
    }

    // Rows [share of out-images accepted, of in-images accepted] at every hundredth, so that curves of several networks have their points at the same places.
    private static IEnumerable<double[]> Curve(IReadOnlyList<(double FalsePositiveRate, double TruePositiveRate)> points)
    {
        var k = 0;
        for (var percent = 0; percent <= 100; percent++)
        {
            var place = percent / 100.0;
            while (k + 1 < points.Count && points[k + 1].FalsePositiveRate <= place)
                k++;
            var (x, y) = points[k];
            yield return [place, k + 1 == points.Count ? y : y + (place - x) / (points[k + 1].FalsePositiveRate - x) * (points[k + 1].TruePositiveRate - y)];
        }
    }
}
