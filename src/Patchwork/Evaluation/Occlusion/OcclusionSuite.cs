using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// <c>occlusion</c>: error on occluded images, the curves of the paper's figure 5(a): error against the size of a centred square, with
/// either the square or everything around it covered. Each metric is the mean over the sizes.
/// </summary>
public sealed record OcclusionSuite : Suite
{
    /// <inheritdoc/>
    public override string Id => "occlusion";

    /// <inheritdoc/>
    public override string Title => "Occlusion";

    /// <inheritdoc/>
    public override string Summary =>
        "Error with the centre or the boundary covered in black or in the mean colour, averaged over the sizes.";

    /// <inheritdoc/>
    public override IReadOnlyList<Headline> Headlines =>
    [
        new("centre_black_error", "error, centre black, %"),
        new("boundary_black_error", "error, boundary black, %"),
        new("centre_mean_error", "error, centre grey, %"),
        new("boundary_mean_error", "error, boundary grey, %"),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<SuiteChart> Charts => [.. Occlusion.All.Select(kind => new CurveChart(
        kind.Id,
        $"{kind.Place} covered, {(kind.Fill == OcclusionFill.Black ? "black" : "mean colour")}",
        kind.Place == OcclusionPlace.Centre ? "side of the covered square, pixels" : "side of the visible square, pixels",
        "error, %"))];

    /// <inheritdoc/>
    public override SuiteResult Measure(Subject subject)
    {
        var sizes = Occlusion.Sizes(subject.Test.Height, subject.Test.Width);
        var errors = Occlusion.All.ToDictionary(kind => kind, _ => sizes.Select(_ => new List<double>()).ToArray());
        using var model = new PixelModel(subject.Network, subject.Test.Normalization);
        using var noGradient = no_grad();
        foreach (var batch in subject.Batches(subject.Test))
        {
            // If nothing is covered, all kinds show the same image, so its logits are computed once.
            using var clean = model.Logits(batch.Images);
            foreach (var (kind, curve) in errors)
            {
                foreach (var (k, size) in sizes.Index())
                {
                    subject.Cancellation.ThrowIfCancellationRequested();
                    using var scope = NewDisposeScope();
                    var logits = kind.CoversNothing(size, subject.Test.Height, subject.Test.Width) ? clean
                        : model.Logits(kind.Of(batch.Images, size, model.Normalization));
                    curve[k].AddRange(Subject.Errors(logits, batch.Labels));
                }
            }
        }
        var result = new SuiteResult();
        foreach (var (kind, curve) in errors)
        {
            double[] errorOfImages = [.. Enumerable.Range(0, subject.Test.Count).Select(i => curve.Average(values => values[i]))];
            result.AddMean($"{kind.Id}_error", errorOfImages, subject.Seeds);
            result.AddTable(kind.Id, sizes.Select((size, k) => new[] { size, curve[k].Average() }));
        }
        return result;
    }
}
