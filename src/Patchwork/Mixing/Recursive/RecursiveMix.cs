using Patchwork.Internals;
using Patchwork.Plans;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// RecursiveMix (Yang et al., "RecursiveMix: Mixed Learning with History", NeurIPS 2022, arXiv 2203.06844): the whole batch of the step
/// before, as it was mixed then, is resized and pasted into a box, <c>y = λ·y + (1-λ)·y_before</c>, and the answer for the box is pulled
/// towards the answer of the step before by an additional loss, <c>ω·(1-λ)·CE(head(mean of the last features in the box),
/// softmax(logits before))</c>. The box covers u ~ U(0, α) of the image; λ' = 1 - box/image. The first batch is not mixed.
/// </summary>
/// <example><code>
/// EarlierBatch? before = null;
/// foreach (var batch in loader.Epoch(epoch))
/// {
///     var mixed = recursive.Mix(batch with { Earlier = before }, draws);
///     var logits = model.call(mixed.Images);
///     using var loss = mixed.Targets!.Loss(logits, new CrossEntropy());
///     (var used, before) = (before, EarlierBatch.Of(mixed, logits));
///     used?.Dispose();
/// }
/// </code></example>
public sealed record RecursiveMix : Mixer, IRecursiveMixer
{
    /// <summary>α, the largest share of the image that the box covers. Range (0, 1]. Default 0.5, as in the paper.</summary>
    public double Alpha
    {
        get;
        init => field = value is > 0 and <= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"alpha must lie in (0, 1]. Received: alpha = {value}."));
    } = 0.5;

    /// <summary>Probability that a batch is mixed. Range [0, 1]. Default 1.</summary>
    public double Probability { get; init => field = Options.Probability(value); } = 1;

    /// <inheritdoc/>
    /// <remarks>ω. Range: 0 or more. Default 0.1, as in the paper on CIFAR; 0.5 on ImageNet.</remarks>
    public double ConsistencyWeight
    {
        get;
        init => field = value >= 0 && double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"consistency weight must be 0 or more. Received: {value}."));
    } = 0.1;

    /// <inheritdoc/>
    public override string Id => "recursivemix";

    /// <inheritdoc/>
    public override NetworkNeed NetworkNeed => ConsistencyWeight > 0 ? NetworkNeed.FeatureMaps : NetworkNeed.Nothing;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Facts => [FormattableString.Invariant($"box up to {Alpha} of the image"),
        "b is the mixed batch of the step before"];

    /// <inheritdoc/>
    public override Mixer WithStrengths(double? alpha, double? probability) =>
        this with { Alpha = alpha ?? Alpha, Probability = probability ?? Probability };

    /// <inheritdoc/>
    public override Mixer ForEveryImage() => this with { Probability = 1 };

    /// <inheritdoc/>
    public override MixPlan Plan(MixContext context)
    {
        var (draws, height, width) = (context.Draws, context.Height, context.Width);
        if (context.Earlier == 0 || !draws.Bernoulli(Probability))
            return MixPlan.Identity(Id, context.Count, height, width, draws.Id);
        var share = draws.Uniform(0, Alpha);
        var box = BoxPlacement.Around(Rounding.Truncated, height, width, 1 - share, draws.Integer(height), draws.Integer(width));
        var region = new ResizedRegion(box.IsEmpty ? Box.Empty : box, Box.Whole(height, width), Interpolation.Bilinear);
        var lambda = region.KeptShare(height, width);
        // A last batch can be smaller than the one before, and the next one larger than it.
        return new MixPlan(Id, height, width, [.. Enumerable.Range(0, context.Count)
            .Select(i => new ImagePlan(context.Count + i % context.Earlier, region, 1 - share, lambda))], draws.Id, context.Earlier);
    }

    /// <inheritdoc/>
    public Tensor Consistency(Tensor features, nn.Module<Tensor, Tensor> head, MixPlan plan, EarlierBatch earlier)
    {
        using var scope = NewDisposeScope();
        var box = plan.Images[0].Region.Reach(plan.Height, plan.Width);
        if (box.IsEmpty || plan.Earlier == 0)
            return zeros(features.size(0), device: features.device).MoveToOuterDisposeScope();
        var (height, width) = ((int)features.size(2), (int)features.size(3));
        var down = Overlaps(height, plan.Height, box.Top, box.Bottom);
        var across = Overlaps(width, plan.Width, box.Left, box.Right);
        var weights = tensor(down.SelectMany(row => across.Select(column => row * column)).ToArray(), device: features.device)
            .reshape(1, 1, height, width);
        var wide = features.to(ScalarType.Float32);
        var inside = (wide * (weights / weights.sum())).sum([2, 3]);                                   // (N, D)
        var rows = RowIndex.Of(plan.Images.Select(image => image.Partner - plan.Images.Count), features.device);
        var before = earlier.Logits.index_select(0, rows).softmax(1);
        var answers = head.call(inside).to(ScalarType.Float32).log_softmax(1);
        return (before * answers).sum(1).mul(Held(-ConsistencyWeight * (1 - plan.Images[0].Lambda))).MoveToOuterDisposeScope();
    }

    // How many pixels of each feature's cell lie between two pixels.
    private static float[] Overlaps(int cells, int pixels, int first, int end)
    {
        var size = pixels / (double)cells;
        return [.. Enumerable.Range(0, cells).Select(cell =>
            (float)Math.Max(0, Math.Min(end, (cell + 1) * size) - Math.Max(first, cell * size)))];
    }
}
