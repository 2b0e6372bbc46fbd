using Patchwork.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// <c>inbetween</c>: error on interpolated images, the curves of the paper's figure 5(b). Every test image is paired with a random other
/// one, which is blended with each λ or pasted as a centred square of each size. An error is a prediction that is neither of the two
/// classes. Each metric is the mean over its curve.
/// </summary>
/// <remarks>Differs from the paper: there are as many pairs as test images, while the paper draws 50,000.</remarks>
public sealed record InBetweenSuite : Suite
{
    /// <inheritdoc/>
    public override string Id => "inbetween";

    /// <inheritdoc/>
    public override string Title => "Interpolated images";

    /// <inheritdoc/>
    public override string Summary => "Error on interpolated images, blended or pasted: the prediction is neither of the two classes.";

    /// <inheritdoc/>
    public override IReadOnlyList<Headline> Headlines =>
    [
        new("mixup_error", "error, blended pairs, %"),
        new("cutmix_error", "error, pasted pairs, %"),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<SuiteChart> Charts =>
    [
        new CurveChart("mixup", "Interpolated images, blended", "share λ of the first image", "error: neither class, %"),
        new CurveChart("cutmix", "Interpolated images, pasted", "side of the pasted square, pixels", "error: neither class, %"),
    ];

    /// <inheritdoc/>
    public override SuiteResult Measure(Subject subject)
    {
        var sizes = Occlusion.Sizes(subject.Test.Height, subject.Test.Width);
        var blended = InBetween.Lambdas.Select(_ => new List<double>()).ToArray();
        var pasted = sizes.Select(_ => new List<double>()).ToArray();
        // A cycle through a shuffled order: every image is first once and second once, and never paired with itself.
        var order = subject.Seeds.Open("inbetween").Permutation(subject.Test.Count);
        var partner = new int[order.Length];
        for (var i = 0; i < order.Length; i++)
            partner[order[i]] = order[(i + 1) % order.Length];
        using var model = new PixelModel(subject.Network, subject.Test.Normalization);
        using var noGradient = no_grad();
        var partners = (subject with { Progress = _ => { } }).Batches(new Subset(subject.Test, partner));
        foreach (var (a, b) in subject.Batches(subject.Test).Zip(partners))
        {
            // The ends of both curves show the unchanged images, whose logits are computed once.
            using var ofA = model.Logits(a.Images);
            using var ofB = model.Logits(b.Images);
            foreach (var (k, lambda) in InBetween.Lambdas.Index())
            {
                using var logits = lambda is 0 or 1 ? null : Logits(InBetween.Blend(a.Images, b.Images, lambda));
                Count(blended[k], logits ?? (lambda == 0 ? ofB : ofA), a.Labels, b.Labels);
            }
            foreach (var (k, size) in sizes.Index())
            {
                using var logits = size == 0 || Occlusion.IsWhole(size, subject.Test.Height, subject.Test.Width) ? null
                    : Logits(InBetween.Paste(a.Images, b.Images, size));
                Count(pasted[k], logits ?? (size == 0 ? ofA : ofB), a.Labels, b.Labels);
            }
        }
        var result = new SuiteResult();
        result.AddMean("mixup_error", Mean(blended), subject.Seeds);
        result.AddMean("cutmix_error", Mean(pasted), subject.Seeds);
        result.AddTable("mixup", InBetween.Lambdas.Select((lambda, k) => new[] { lambda, blended[k].Average() }));
        result.AddTable("cutmix", sizes.Select((size, k) => new[] { size, pasted[k].Average() }));
        return result;

        Tensor Logits(Tensor images)
        {
            subject.Cancellation.ThrowIfCancellationRequested();
            using (images)
                return model.Logits(images);
        }

        static void Count(List<double> errors, Tensor logits, Tensor labelsA, Tensor labelsB)
        {
            using var wrong = InBetween.Errors(logits, labelsA, labelsB);
            errors.AddRange(Subject.Numbers(wrong));
        }

        double[] Mean(List<double>[] curve) => [.. Enumerable.Range(0, order.Length).Select(i => curve.Average(values => values[i]))];
    }
}
