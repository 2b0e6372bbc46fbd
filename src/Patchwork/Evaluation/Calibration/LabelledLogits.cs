using Patchwork.Data;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>A network's logits for labelled images.</summary>
/// <param name="Logits">One row of K logits per image.</param>
/// <param name="Labels">The images' classes.</param>
internal sealed record LabelledLogits(IReadOnlyList<float[]> Logits, IReadOnlyList<int> Labels)
{
    /// <summary>Runs a subject's network on a set; <paramref name="part"/> and <paramref name="parts"/> are for its progress.</summary>
    public static LabelledLogits Of(Subject subject, Dataset images, int part = 0, int parts = 1)
    {
        var (rows, labels) = (new List<float[]>(), new List<int>());
        using var model = new PixelModel(subject.Network, subject.Test.Normalization);
        using var noGradient = no_grad();
        foreach (var batch in subject.Batches(images, part, parts))
        {
            using var scope = NewDisposeScope();
            rows.AddRange(Subject.Rows(model.Logits(batch.Images)));
            labels.AddRange(Subject.Numbers(batch.Labels).Select(label => (int)label));
        }
        return new(rows, labels);
    }

    /// <summary>
    /// Returns the fitted temperature; null if there are fewer than 100 images, or if they are too easy to fit one: it would make every
    /// answer certain.
    /// </summary>
    public double? Temperature()
    {
        const int least = 100;
        return Labels.Count >= least
            && TemperatureScaling.Fit(Logits, Labels) is > TemperatureScaling.Lowest and < TemperatureScaling.Highest and var fitted
            ? fitted : null;
    }
}
