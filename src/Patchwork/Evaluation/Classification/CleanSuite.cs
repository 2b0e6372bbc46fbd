using System.Text.Json.Nodes;
using Patchwork.Internals;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// <c>clean</c>: errors and negative log-likelihood on the unmodified test images, for the last epoch and (<c>best_…</c>) for the epoch
/// with the lowest validation error; with the confusion matrix and the error of each class.
/// </summary>
public sealed record CleanSuite : Suite
{
    /// <inheritdoc/>
    public override string Id => "clean";

    /// <inheritdoc/>
    public override string Title => "Classification";

    /// <inheritdoc/>
    public override string Summary =>
        "Top-1 and top-5 error, negative log-likelihood, confusion matrix and metrics per class, for the last and the best epoch.";

    /// <inheritdoc/>
    public override IReadOnlyList<Headline> Headlines =>
    [
        new("top1_error", "test error, %") { IsTestError = true },
        new("top5_error", "top-5 error, %"),
        new("nll", "negative log-likelihood", Percent: false),
        new("map", "mean average precision, %", LowerIsBetter: false) { OfSeveralLabels = true },
        new("micro_f1", "micro-F1, %", LowerIsBetter: false) { OfSeveralLabels = true },
        new("exact_match", "all labels right, %", LowerIsBetter: false) { OfSeveralLabels = true },
        new("balanced_accuracy", "balanced accuracy, %", LowerIsBetter: false),
        new("macro_f1", "macro-F1, %", LowerIsBetter: false),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<SuiteChart> Charts =>
    [
        new ConfusionChart("confusion", "Confusion"),
        new ClassesChart("per_class", "Metrics per class", [new("precision", 2), new("recall", 3), new("F1", 4)]),
        new ClassesChart("per_label", "Metrics per label", [new("AP", 2), new("precision", 5), new("recall", 6), new("F1", 7)]),
    ];

    // Results from before these metrics existed are measured again.
    /// <inheritdoc/>
    public override JsonObject Fingerprint => new() { ["per_class"] = "precision, recall, F1" };

    /// <inheritdoc/>
    public override bool TakesSeveralLabels => true;

    /// <inheritdoc/>
    public override SuiteResult Measure(Subject subject)
    {
        var result = new SuiteResult();
        if (subject.Test.IsMultiLabel)
        {
            SeveralLabels.Measure(subject, subject.Network, "", result);
            if (subject.BestNetwork is { } other)
                SeveralLabels.Measure(subject, other, "best_", result);
            return result;
        }
        var parts = subject.BestNetwork is null ? 1 : 2;
        Measure(subject, subject.Network, "", result, 0, parts);
        if (subject.BestNetwork is { } best)
            Measure(subject, best, "best_", result, 1, parts);
        return result;
    }

    private static void Measure(Subject subject, nn.Module<Tensor, Tensor> network, string prefix, SuiteResult result, int part, int parts)
    {
        var classes = subject.Test.ClassNames.Count;
        var pairs = new List<(int True, int Predicted)>();
        var (top1, top5, nll) = (new List<double>(), new List<double>(), new List<double>());
        using var model = new PixelModel(network, subject.Test.Normalization);
        using var noGradient = no_grad();
        foreach (var batch in subject.Batches(subject.Test, part, parts))
        {
            using var scope = NewDisposeScope();
            var logits = model.Logits(batch.Images).to(ScalarType.Float64);
            top1.AddRange(Subject.Errors(logits, batch.Labels));
            top5.AddRange(Subject.Errors(logits, batch.Labels, places: 5));
            nll.AddRange(Subject.Numbers(nn.functional.cross_entropy(logits, batch.Labels, reduction: nn.Reduction.None)));
            pairs.AddRange(Subject.Numbers(batch.Labels).Zip(Subject.Numbers(Ranking.Best(logits)))
                .Select(pair => ((int)pair.First, (int)pair.Second)));
        }
        result.AddMean($"{prefix}top1_error", top1, subject.Seeds);
        result.AddMean($"{prefix}top5_error", top5, subject.Seeds);
        result.AddMean($"{prefix}nll", nll, subject.Seeds);
        var counts = ClassCounts.Of(classes, pairs);
        var confusion = Enumerable.Range(0, classes).Select(_ => new double[classes]).ToArray();
        foreach (var (label, predicted) in pairs)
            confusion[label][predicted]++;
        var intervals = Bootstrap.Of(pairs.Count, subject.Seeds.Open("bootstrap"), times =>
            ClassCounts.Of(classes, pairs, times).Numbers());
        result.Add($"{prefix}balanced_accuracy", counts.BalancedAccuracy, intervals[1], pairs.Count);
        result.Add($"{prefix}macro_f1", counts.MacroF1, intervals[0], pairs.Count);
        result.AddTable($"{prefix}confusion", confusion);      // one row per true class, one column per predicted class
        result.AddTable($"{prefix}class_error", confusion.Select((row, label) => new[] { label, 1 - row[label] / row.Sum() }));
        // class, images, precision, recall, F1, and the ends of their intervals
        result.AddTable($"{prefix}per_class", Enumerable.Range(0, classes).Select(k => (double[])
        [
            k, counts.Shown[k], counts.Precision(k), counts.Recall(k), counts.F1(k),
            .. Enumerable.Range(0, 3).SelectMany(part => intervals[2 + part * classes + k] is var ends
                ? new[] { ends.Low, ends.High } : []),
        ]));
        string[] untested = [.. confusion.Index().Where(row => row.Item.Sum() == 0).Select(row => subject.Test.ClassNames[row.Index])];
        if (untested.Length > 0 && prefix.Length == 0)
            result.AddNote($"No test images of {string.Join(", ", untested)}: "
                + $"{(untested.Length == 1 ? "its error is" : "their errors are")} unknown.");
    }
}
