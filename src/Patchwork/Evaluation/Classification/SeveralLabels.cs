using Patchwork.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>The clean suite for images with several labels.</summary>
internal static class SeveralLabels
{
    /// <summary>Adds the metrics of a network.</summary>
    /// <param name="subject">What is evaluated.</param>
    /// <param name="network">The network.</param>
    /// <param name="prefix">Prefix of the metrics' names.</param>
    /// <param name="result">Receives the metrics.</param>
    public static void Measure(Subject subject, nn.Module<Tensor, Tensor> network, string prefix, SuiteResult result)
    {
        // The threshold is chosen on the validation images, not on the test images.
        var threshold = subject.Validation is { } validation ? Scores(subject, network, validation).BestThreshold() : 0.5;
        var scores = Scores(subject, network, subject.Test);
        var (classes, images) = (scores.Classes, scores.Images);
        double[] Numbers(int[]? times)
        {
            var at = scores.At(threshold, times);
            return [scores.MeanAveragePrecision(times), MultiLabelScores.MicroF1(at), at.MacroF1,
                .. Enumerable.Range(0, classes).Select(k => scores.AveragePrecisionOf(k, times))];
        }
        var (values, intervals) = (Numbers(null), Bootstrap.Of(images, subject.Seeds.Open("bootstrap"), Numbers));
        string[] names = ["map", "micro_f1", "macro_f1"];
        foreach (var (i, name) in names.Index())
            result.Add(prefix + name, values[i], intervals[i], images);
        result.AddMean($"{prefix}exact_match", scores.ExactMatches(threshold), subject.Seeds);
        result.Add($"{prefix}threshold", threshold, null, subject.Validation?.Count ?? 0);
        var counts = scores.At(threshold);
        // class, images, average precision with the ends of its interval, precision, recall, F1
        result.AddTable($"{prefix}per_label", Enumerable.Range(0, classes).Select(k => (double[])
        [
            k, counts.Shown[k], values[names.Length + k], intervals[names.Length + k].Low, intervals[names.Length + k].High,
            counts.Precision(k), counts.Recall(k), counts.F1(k),
        ]));
        string[] untested = [.. subject.Test.ClassNames.Where((_, k) => counts.Shown[k] == 0)];
        if (untested.Length > 0 && prefix.Length == 0)
            result.AddNote($"No test images of {string.Join(", ", untested)}: not included in the means.");
    }

    /// <summary>Computes the network's probabilities for the images of a set, with their labels.</summary>
    public static MultiLabelScores Scores(Subject subject, nn.Module<Tensor, Tensor> network, Dataset images)
    {
        using var model = new PixelModel(network, subject.Test.Normalization);
        using var noGradient = no_grad();
        var (probabilities, shows) = (new List<float[]>(), new List<bool[]>());
        foreach (var batch in subject.Batches(images))
        {
            using var scope = NewDisposeScope();
            probabilities.AddRange(Subject.Rows(model.Logits(batch.Images).to(ScalarType.Float32).sigmoid()));
            shows.AddRange(MultiLabelScores.Shows(batch.Labels));
        }
        return new(probabilities, shows);
    }
}
