using Patchwork.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// <c>inbetween</c>: the curves of the paper's figure 5(b): every test image with another one at random, blended over λ or pasted as a
/// centred square over its size. An error is a prediction that is neither of the two classes. A metric is the mean over the curve.
/// </summary>
/// <remarks>Differs from the paper: as many pairs as there are test images, where it draws 50,000.</remarks>
public sealed record InBetweenSuite : Suite
{
    /// <inheritdoc/>
    public override string Id => "inbetween";

    /// <inheritdoc/>
    public override string Title => "Between two images";

    /// <inheritdoc/>
    public override string Summary => "Error on images between two, blended or pasted, where neither class is predicted.";

    /// <inheritdoc/>
    public override IReadOnlyList<Headline> Headlines =>
    [
        new("mixup_error", "error between two blended, %"),
        new("cutmix_error", "error between two pasted, %"),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<SuiteChart> Charts =>
    [
        new CurveChart("mixup", "Between two images, blended", "share λ of the first image", "error: neither class, %"),
        new CurveChart("cutmix", "Between two images, pasted", "side of the pasted square, pixels", "error: neither class, %"),
    ];

    /// <inheritdoc/>
    public override SuiteResult Measure(Subject subject)
    {
        var sizes = Occlusion.Sizes(subject.Test.Height, subject.Test.Width);
        var blended = InBetween.Lambdas.Select(_ => new List<double>()).ToArray();
        var pasted = sizes.Select(_ => new List<double>()).ToArray();
        // A whole turn through a shuffled order: every image is once a first and once a second, never with itself.
        var order = subject.Seeds.Open("inbetween").Permutation(subject.Test.Count);
        var partner = new int[order.Length];
        for (var i = 0; i < order.Length; i++)
            partner[order[i]] = order[(i + 1) % order.Length];
        using var model = new PixelModel(subject.Network, subject.Test.Normalization);
        using var noGradient = no_grad();
        var partners = (subject with { Progress = _ => { } }).Batches(new Subset(subject.Test, partner));
        foreach (var (a, b) in subject.Batches(subject.Test).Zip(partners))
        {
            // The ends of both curves are the images themselves.
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
