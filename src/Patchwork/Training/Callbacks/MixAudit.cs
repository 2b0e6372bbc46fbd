using Patchwork.Internals;
using Patchwork.Mixing;
using Patchwork.Plans;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>
/// Checks that the first batches match their plans, whatever the regions: every pixel against the batch rebuilt without mixing, λ of the
/// label against the mean of M, the batch's targets against the plan. Also checks that nothing is mixed in evaluation. Features mixed
/// inside the network are not checked. Reports one line; a mismatch ends the fit.
/// </summary>
public sealed class MixAudit(int batches = 2) : Callback
{
    // A blend is rounded to float32 once or twice, in any order; pixels that are copied must match exactly.
    private const double BlendTolerance = 1e-5;

    // M is float32, λ double; one wrong pixel of a 3,000×3,000 image is still detected.
    private const double ShareTolerance = 1e-7;

    /// <summary>
    /// Whether λ must be the share of the pixels that were kept. Default true; false for methods that weight labels otherwise.
    /// </summary>
    public bool LabelsByArea { get; init; } = true;

    private int seen;
    private long images, evaluated;
    private bool reported;

    /// <inheritdoc/>
    public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
    {
        if (seen < batches && batch.Plan is { Layer: null } plan && batch.Ids.Count > 0)
        {
            CheckPixels(state, batch, plan);
            CheckTargets(state, batch, plan);
            seen++;
            images += batch.Counted;
        }
        return batch;
    }

    /// <inheritdoc/>
    public override void OnValidationBatchStart(TrainingState state, Batch batch) => CheckUnmixed(batch);

    /// <inheritdoc/>
    public override void OnTestBatchStart(TrainingState state, Batch batch) => CheckUnmixed(batch);

    /// <inheritdoc/>
    public override void OnTrainEpochEnd(TrainingState state)
    {
        if (reported || seen == 0)
            return;
        reported = true;
        state.Report($"mix audit: {images} images of {seen} batches match their {(LabelsByArea ? "λ" : "plan")}, "
            + $"targets sum to {(LabelsByArea ? "1" : "their weights")}" +
            (evaluated > 0 ? $", {evaluated} validation images unmixed" : ""));
    }

    private void CheckPixels(TrainingState state, Batch batch, MixPlan plan)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var masks = plan.Masks().to(batch.Images.device);      // (N, 1, H, W)
        var before = state.Data.Train.Unmixed(batch, state.Epoch).Images.to(batch.Images.device);
        var rows = batch.RowsInPlan();
        if (batch.Part is { PlansWhole: false })
            before = Taken(before, batch.RowsInWhole());
        var expected = Taken(Expected(before, masks, plan, batch.Earlier?.Images), rows);
        masks = Taken(masks, rows);
        var wrong = where(masks.eq(Zero).logical_or(masks.eq(One)), batch.Images.ne(expected),
            (batch.Images - expected).abs().gt(Held(BlendTolerance)));
        var (pixels, shares) = (wrong.flatten(1).sum(1).cpu().data<long>().ToArray(),
            masks.to(ScalarType.Float64).mean([1, 2, 3]).cpu().data<double>().ToArray());
        for (var i = 0; i < batch.Count; i++)
        {
            var image = plan.Images[rows[i]];
            if (pixels[i] > 0)
                throw Fault(state, plan,
                    $"image {i} must match its plan. Received: {pixels[i]} wrong pixels ({image.Region.GetType().Name}, partner "
                        + $"{image.Partner})");
            if (LabelsByArea && Math.Abs(shares[i] - image.Lambda) > ShareTolerance)
                throw Fault(state, plan, FormattableString.Invariant(
                    $"λ of image {i} must be the share of it that was kept, {shares[i]}. Received: {image.Lambda}"));
        }
    }

    private static Tensor Taken(Tensor images, int[] rows) => rows.Length == images.size(0) ? images
        : images.index_select(0, RowIndex.Of(rows, images.device));

    // Follows the definition, x = M⊙x_a + (1-M)⊙x_b, where it is sufficient; content that was resized or moved first is mixed again from
    // the plan.
    private static Tensor Expected(Tensor before, Tensor masks, MixPlan plan, Tensor? earlier)
    {
        var sources = plan.Earlier > 0 ? cat([before, earlier!]) : before;
        var partners = sources.index_select(0, RowIndex.Of(plan.Partners(), before.device));
        var expected = where(masks.eq(One), before, where(masks.eq(Zero), partners, (masks * before).Plus(OneMinus(masks) * partners)));
        long[] moved = [.. plan.Images.Index().Where(image => image.Item.Region is ResizedRegion or TransportRegion)
            .Select(image => (long)image.Index)];
        if (moved.Length == 0)
            return expected;
        var (again, rows) = (before.clone(), tensor(moved, device: before.device));
        RegionMixing.InPlace(again, plan, plan.Earlier > 0 ? earlier : null);
        return expected.index_copy(0, rows, again.index_select(0, rows));
    }

    private static void CheckTargets(TrainingState state, Batch batch, MixPlan plan)
    {
        using var scope = NewDisposeScope();
        var targets = batch.Targets!;
        ImagePlan[] images = [.. batch.RowsInPlan().Select(row => plan.Images[row])];
        if (!targets.Lambdas.SequenceEqual(images.Select(image => image.Lambda)))
            throw Fault(state, plan, "the targets must weight the labels as the plan says. Received: other weights");
        var sums = targets.Soft(state.Data.Train.Dataset.ClassNames.Count, ScalarType.Float64).sum(1);
        // 1, unless a method weights the two labels separately, or an image has several labels or none.
        Tensor Weighed(Func<ImagePlan, double> weight, Tensor labels)
        {
            var one = tensor(images.Select(weight).ToArray(), device: sums.device);
            return labels.dim() == 1 ? one : one * labels.to(ScalarType.Float64).sum(1);
        }
        var weights = Weighed(image => image.Lambda, targets.A).Plus(Weighed(image => image.PartnerWeight, targets.B));
        if (!sums.allclose(weights, atol: 1e-9))
            throw Fault(state, plan, "every row of the targets must sum to its weights. Received: other sums");
    }

    private static InvalidOperationException Fault(TrainingState state, MixPlan plan, string what) =>
        new($"Mix audit, step {state.Step}: {what}. This is a bug in the mixer {plan.Method}, or in a callback that changed the batch "
            + "after it.");

    private void CheckUnmixed(Batch batch)
    {
        if (batch.Plan is not null)
            throw new InvalidOperationException($"Mix audit: an evaluation batch was mixed by {batch.Plan.Method}. Validation and test "
                + "batches must not be mixed.");
        evaluated += batch.Count;
    }
}
