using Patchwork.Data;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Saliency;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// <c>localization</c>: whether the activation map of the true class localizes the object. It is measured by the paper's protocol (box at a
/// threshold of 0.15, class and place right) and by the fairer protocol of Choe et al., CVPR 2020 (the best threshold of each network).
/// Images without a box are omitted.
/// </summary>
/// <remarks>
/// Metrics named <c>centre_…</c> are those of a map without any information: squares of all sizes around the middle. A network that does
/// not beat them localizes nothing.
/// </remarks>
public sealed record LocalizationSuite : Suite
{
    /// <inheritdoc/>
    public override string Id => "localization";

    /// <inheritdoc/>
    public override string Title => "Localization";

    /// <inheritdoc/>
    public override string Summary =>
        "Boxes from class activation maps: class and place right at the paper's threshold, place right (GT-known), "
        + "best threshold (MaxBoxAcc, MaxBoxAccV2), pixels where masks exist (PxAP).";

    /// <inheritdoc/>
    public override IReadOnlyList<Headline> Headlines =>
    [
        new("top1_localization", "class and place right, %", LowerIsBetter: false),
        new("gt_known_localization", "place right, class given, %", LowerIsBetter: false),
        new("max_box_acc_v2", "place right, MaxBoxAccV2 %", LowerIsBetter: false),
        new("pxap", "pixels right, PxAP %", LowerIsBetter: false),
    ];

    /// <summary>
    /// Name of the layer whose Grad-CAM is used, such as <c>layer3</c>; null, the default, uses the class activation map of the last
    /// features, or the attention of a transformer, which is the same for all classes.
    /// </summary>
    public string? Layer { get; init; }

    /// <inheritdoc/>
    public override IReadOnlyList<SuiteOption> Options =>
    [
        new SuiteOption<LocalizationSuite>("layer", "LocalizationSuite.Layer",
            "layer whose Grad-CAM is used, for example layer3 (default: class activation map, or a transformer's attention)",
            (suite, text) => suite with { Layer = text }, suite => suite.Layer),
    ];

    /// <inheritdoc/>
    public override string? Missing(Dataset test) => Enumerable.Range(0, test.Count).Any(i => test.ObjectBox(i) is not null) ? null
        : $"needs a test set with object boxes, such as {DatasetCatalogue.Either(set => set.HasBoxes)}";

    /// <inheritdoc/>
    public override SuiteResult Measure(Subject subject)
    {
        var (test, network, centre) = (subject.Test, new Localized(), new Localized());
        var square = CentreMap(test.Height, test.Width);
        var squareBoxes = MapBoxes.Of(square, test.Height, test.Width);
        using var model = new PixelModel(subject.Network, test.Normalization);
        foreach (var batch in subject.Batches(test))
        {
            using var scope = NewDisposeScope();
            var (maps, right) = Maps(subject, model, batch);
            var area = test.Height * test.Width;
            network.Add(test, batch.Ids, row => maps.AsSpan(row * area, area), map => MapBoxes.Of(map, test.Height, test.Width), right);
            centre.Add(test, batch.Ids, _ => square, _ => squareBoxes, right);
        }
        var result = new SuiteResult();
        network.Report(subject, result, "");
        centre.Report(subject, result, "centre_");
        return result;
    }

    // Score maps (N, H, W) of the true classes, in [0, 1], and whether each was predicted.
    private (float[] Maps, bool[] Right) Maps(Subject subject, PixelModel model, Batch batch)
    {
        var input = model.Normalized(batch.Images);
        var attends = Layer is null && subject.Network is IAttentive;
        var last = Layer is null && !attends ? LastFeatures.Of(subject.Network, input) : null;
        var logits = last is null ? model.Logits(batch.Images).detach() : last.Classifier.call(last.Input);
        var maps = attends ? AttentionMap.Scaled(subject.Network, input)
            : last is null ? GradCam.Of(subject.Network, input, batch.Labels, Layer!)
            : ClassActivation.Scaled(last, batch.Labels, subject.Test.Height, subject.Test.Width);
        return (maps.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray(),
            [.. Subject.Errors(logits, batch.Labels).Select(error => error == 0)]);
    }

    // Highest in the middle and falling with the distance, so that its boxes at all thresholds are squares around the middle.
    private static float[] CentreMap(int height, int width)
    {
        var map = new float[height * width];
        for (var i = 0; i < map.Length; i++)
        {
            var (y, x) = (Math.Abs((i / width + 0.5) / height - 0.5), Math.Abs((i % width + 0.5) / width - 0.5));
            map[i] = (float)(1 - Math.Max(y, x) * 2);
        }
        return map;
    }

    private delegate ReadOnlySpan<float> MapOf(int row);

    private delegate MapBoxes BoxesOf(ReadOnlySpan<float> map);

    /// <summary>The results of one kind of map so far.</summary>
    private sealed class Localized
    {
        private readonly LocalizationAccuracy accuracy = new();
        private readonly PixelPrecision precision = new();
        private readonly List<double> classAndPlace = [], place = [];
        private bool masks;

        public void Add(Dataset test, IReadOnlyList<int> ids, MapOf map, BoxesOf boxes, bool[] classIsRight)
        {
            // Contours cost more time than the network, so they are found in parallel; counting them in order keeps the results
            // deterministic.
            var overlaps = new MapOverlaps?[ids.Count];
            Parallel.For(0, ids.Count, row =>
            {
                if (test.ObjectBox(ids[row]) is { } box)
                    overlaps[row] = boxes(map(row)).Overlaps([InclusiveBox.Of(box)]);
            });
            for (var row = 0; row < ids.Count; row++)
            {
                if (overlaps[row] is { } found)
                {
                    accuracy.Add(found);
                    place.Add(found.IsFound ? 1 : 0);
                    classAndPlace.Add(found.IsFound && classIsRight[row] ? 1 : 0);
                }
                if (test.ObjectMask(ids[row]) is { Length: > 0 } mask)
                {
                    precision.Add(map(row), mask);
                    masks = true;
                }
            }
        }

        public void Report(Subject subject, SuiteResult result, string prefix)
        {
            result.AddMean($"{prefix}top1_localization", classAndPlace, subject.Seeds);
            result.AddMean($"{prefix}gt_known_localization", place, subject.Seeds);
            result.Add($"{prefix}max_box_acc", accuracy.MaxBoxAcc, null, accuracy.Images);
            result.Add($"{prefix}max_box_acc_v2", accuracy.MaxBoxAccV2, null, accuracy.Images);
            if (masks)
                result.Add($"{prefix}pxap", precision.AveragePrecision, null, accuracy.Images);
        }
    }
}
