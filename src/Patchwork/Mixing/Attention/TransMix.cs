using Patchwork.Plans;
using Patchwork.Randomness;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// TransMix (Chen et al., "TransMix: Attend to Mix for Vision Transformers", CVPR 2022, arXiv 2111.09833): CutMix whose labels follow where
/// the transformer looks. A is the attention of the class token in the mixed image; the partner's label weighs the mean of the box's share
/// of the image and its share of the attention, <c>1-λ = ½·(1-M̄) + ½·Σ A⊙(1-M)/ΣA</c>.
/// </summary>
/// <example><code>
/// using var watch = new AttentionWatch(model);                                     // once
/// var mixed = transmix.Mix(batch, draws);
/// var logits = model.call(mixed.Images);
/// var targets = transmix.Weigh(mixed.Targets!, mixed.Plan!, [.. Enumerable.Range(0, mixed.Count)], watch.Latest!);
/// using var loss = targets.Loss(logits, new CrossEntropy());
/// </code></example>
public sealed record TransMix : BlindMixer, ILabelWeigher
{
    private static readonly CutMix boxes = new();

    /// <summary>
    /// Weight of the attention in the label; the box's area has the rest. Range [0, 1]. Default 0.5, the mean of the two, as in the paper.
    /// </summary>
    public double AttentionWeight { get; init => field = Options.Share(value, "attention weight"); } = 0.5;

    /// <inheritdoc/>
    public override string Id => "transmix";

    /// <inheritdoc/>
    public override NetworkNeed NetworkNeed => NetworkNeed.Attention;

    /// <inheritdoc/>
    public override bool PlansBoxes => true;

    /// <inheritdoc/>
    protected override DrawnRegion Draw(MixContext context, double alpha, Draws draws)
    {
        var (lambda, box) = BoxSampler.Draw(boxes, alpha, context.Height, context.Width, draws);
        var region = new BoxRegion(box);
        return new DrawnRegion(region, lambda, region.KeptShare(context.Height, context.Width));
    }

    /// <inheritdoc/>
    /// <remarks>An image without attention at any patch keeps the weight of the plan.</remarks>
    public PairTargets Weigh(PairTargets targets, MixPlan plan, IReadOnlyList<int> rows, Tensor attention)
    {
        if (attention.dim() != 3 || attention.size(0) != rows.Count || rows.Count != targets.Lambdas.Count)
            throw new ArgumentException($"attention must have the shape (N, h, w), with one row for each of {targets.Lambdas.Count} "
                + $"targets and {rows.Count} rows of the plan. Received: ({string.Join(", ", attention.shape)}).");
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var seen = attention.detach().to(ScalarType.Float64).cpu().contiguous();
        var (height, width) = ((int)seen.size(1), (int)seen.size(2));
        var values = seen.data<double>().ToArray();
        var lambdas = rows.Select((row, i) =>
        {
            var share = KeptShare(values.AsSpan(i * height * width, height * width), plan, plan.Images[row].Region, height, width);
            return share is null ? targets.Lambdas[i] : (1 - AttentionWeight) * targets.Lambdas[i] + AttentionWeight * share.Value;
        });
        return new PairTargets(targets.A, targets.B, [.. lambdas]);
    }

    // The share of the attention at patches that the image keeps. The mask is reduced to the patches by nearest pixel, as in the authors'
    // code.
    private static double? KeptShare(ReadOnlySpan<double> attention, MixPlan plan, Region region, int height, int width)
    {
        if (region is not BoxRegion { Box: var box } || box.IsEmpty)
            return null;
        var (kept, all) = (0.0, 0.0);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var weight = attention[y * width + x];
                all += weight;
                kept += box.Contains(y * plan.Height / height, x * plan.Width / width) ? 0 : weight;
            }
        }
        return all > 0 && double.IsFinite(all) ? Math.Clamp(kept / all, 0, 1) : null;
    }
}
