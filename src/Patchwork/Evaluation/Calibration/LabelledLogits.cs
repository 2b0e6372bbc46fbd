using Patchwork.Data;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>What a network says of images whose classes are known.</summary>
/// <param name="Logits">A row of K an image.</param>
/// <param name="Labels">The images' classes.</param>
internal sealed record LabelledLogits(IReadOnlyList<float[]> Logits, IReadOnlyList<int> Labels)
{
    /// <summary>Asks a subject's network; <paramref name="part"/> of <paramref name="parts"/> is for its progress.</summary>
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
    /// The temperature that fits; null where the images are too few, or too easy, to say one: it would make every answer certain.
    /// </summary>
    public double? Temperature()
    {
        const int least = 100;
        return Labels.Count >= least
            && TemperatureScaling.Fit(Logits, Labels) is > TemperatureScaling.Lowest and < TemperatureScaling.Highest and var fitted
            ? fitted : null;
    }
}
