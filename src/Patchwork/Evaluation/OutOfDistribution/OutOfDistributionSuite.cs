using System.Text.Json.Nodes;
using Patchwork.Data;
using Patchwork.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// <c>ood</c>: whether the network's scores separate test images from out-of-distribution images: generated noise and blobs, as many as
/// there are test images, and <see cref="OutSets"/>. Metrics named <c>mean_…</c> are means over the sets.
/// </summary>
public sealed record OutOfDistributionSuite : Suite
{
    /// <inheritdoc/>
    public override string Id => "ood";

    /// <inheritdoc/>
    public override string Title => "Out-of-distribution detection";

    /// <inheritdoc/>
    public override string Summary =>
        "Max-softmax, energy and ODIN scores: AUROC, TNR at 95 % TPR, AUPR, detection accuracy against noise, blobs and other sets.";

    /// <inheritdoc/>
    public override IReadOnlyList<Headline> Headlines =>
    [
        new("mean_msp_auroc", "out-of-distribution, AUROC %, softmax", LowerIsBetter: false),
        new("mean_energy_auroc", "out-of-distribution, AUROC %, energy", LowerIsBetter: false),
        new("mean_odin_auroc", "out-of-distribution, AUROC %, ODIN", LowerIsBetter: false),
        new("mean_msp_tnr_at_95_tpr", "out-of-distribution rejected, %, softmax", LowerIsBetter: false),
    ];

    /// <summary>
    /// Data sets whose test images count as out-of-distribution, such as <c>cifar100</c> or <c>folder=DIR</c>. They are resized to the
    /// network's input or, with <c>:crop</c> at the end, cropped to their centre. <c>textures</c> stands for
    /// <see cref="OutSet.CutTextures"/>. Default: none besides the noise and blobs.
    /// </summary>
    public IReadOnlyList<string> OutSets { get; init; } = [];

    /// <inheritdoc/>
    public override IReadOnlyList<SuiteOption> Options =>
    [
        new SuiteOption<OutOfDistributionSuite>("out-sets", "OutOfDistributionSuite.OutSets",
            "out-of-distribution data sets, separated by commas: cifar100, folder=DIR, or textures, cut from photographs; append :crop to "
            + "crop the centre instead of resizing (default: only noise and blobs)",
            (suite, text) => suite with { OutSets = NamedSet.Several(text) },
            suite => new JsonArray([.. suite.OutSets.Select(set => JsonValue.Create(set))])),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<SuiteChart> Charts => [new RocCharts(), new ConfidenceHistograms()];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Check(Dataset test) =>
        OutSets.Distinct().ToDictionary(set => set, set => DataDigest.Of(Open(set, test).Images));

    // As many images as there are test images, spread evenly over the set, or all if there are fewer.
    private static (string Id, Dataset Images) Open(string text, Dataset test)
    {
        const string end = ":crop";
        var crop = text.EndsWith(end, StringComparison.Ordinal);
        var named = NamedSet.Parse(crop ? text[..^end.Length] : text);
        if (crop && named.Id == OutSet.Textures)
            throw new InputException($"{OutSet.Textures} are cut to the network's input and cannot be cropped. Received: {text}. Omit "
                + $"{end}.");
        var set = named.OpenImages(crop ? null : test.Height, test);
        var fits = (set.Channels, set.Height, set.Width) == (test.Channels, test.Height, test.Width);
        var images = !crop && fits ? set : new Resized(set, test.Height, test.Width, test.Channels, crop);
        return ($"{named.Name}{(crop ? "_crop" : "")}", set.Count <= test.Count ? images
            : new Subset(images, [.. Enumerable.Range(0, test.Count).Select(i => (int)((long)i * set.Count / test.Count))]));
    }

    /// <inheritdoc/>
    public override SuiteResult Measure(Subject subject)
    {
        var result = new SuiteResult();
        var outSets = OutSet.Drawn.Select(id => (Id: id, Images: OutSet.Draw(id, subject.Test, subject.Test.Count, subject.Seeds)))
            .Concat(OutSets.Select(set => Open(set, subject.Test))).ToArray();
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
                var intervals = Bootstrap.Of(detection.In, detection.Out, subject.Seeds.Open($"bootstrap {name}"),
                    (ins, outs) => Values(detection.Metrics(ins, outs)));
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

    private static double[] Values(DetectionMetrics metrics) =>
        [metrics.Auroc, metrics.TnrAt95Tpr, metrics.DetectionAccuracy, metrics.AuprIn, metrics.AuprOut];

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

        static double Share(IReadOnlyList<double> scores, int bin) =>
            (double)scores.Count(score => Math.Min((int)(score * bins), bins - 1) == bin) / scores.Count;
    }

    // Rows [share of out-images accepted, of in-images accepted] at every hundredth, so that the curves of several networks have their
    // points at the same x values.
    private static IEnumerable<double[]> Curve(IReadOnlyList<RocPoint> points)
    {
        var k = 0;
        for (var percent = 0; percent <= 100; percent++)
        {
            var place = percent / 100.0;
            while (k + 1 < points.Count && points[k + 1].FalsePositiveRate <= place)
                k++;
            var (x, y) = points[k];
            yield return [place, k + 1 == points.Count ? y
                : y + (place - x) / (points[k + 1].FalsePositiveRate - x) * (points[k + 1].TruePositiveRate - y)];
        }
    }
}
