using Patchwork.Plans;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>
/// Checks that the first batches are what their plans say: pixels against the unmixed batch and λ, target rows that sum to 1, nothing mixed in evaluation.
/// Reports one line; a fault ends the fit.
/// </summary>
public sealed class MixAudit(int batches = 2) : Callback
{
    /// <summary>λ must be the share of the pixels that were kept. Default true; false for methods that weigh labels otherwise.</summary>
    public bool LabelsByArea { get; init; } = true;

    private int seen;
    private long images, evaluated;
    private bool reported;

    /// <inheritdoc/>
    public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
    {
        if (seen < batches && batch.Plan is { Layer: null } plan && batch.Ids.Count > 0)
        {
            Check(state, batch, plan);
            seen++;
            images += batch.Count;
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
        state.Report($"mix audit: {images} images of {seen} batches hold the pixels that their {(LabelsByArea ? "λ" : "plan")} says, targets sum to {(LabelsByArea ? "1" : "their weights")}" +
            (evaluated > 0 ? $", {evaluated} validation images unmixed" : ""));
    }

    private void Check(TrainingState state, Batch batch, MixPlan plan)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var before = state.Data.Train.Unmixed(batch, state.Epoch).Images.to(batch.Images.device);
        for (var i = 0; i < batch.Count; i++)
        {
            var image = plan.Images[i];
            if (image.Region is not BoxRegion { Box: var box })
                continue;
            var kept = ones(plan.Height, plan.Width, dtype: ScalarType.Bool, device: batch.Images.device);
            kept.narrow(0, box.Top, box.Height).narrow(1, box.Left, box.Width).fill_(false);
            var expected = where(kept, before[i], before[image.Partner]);
            var share = kept.to(ScalarType.Float64).mean().ToDouble();
            if (expected.ne(batch.Images[i]).any().ToBoolean() || (LabelsByArea && Math.Abs(share - image.Lambda) > 1e-9))
                throw new InvalidOperationException($"Mix audit: image {i} of step {state.Step} does not hold the pixels that its plan says (box {box}, λ {image.Lambda}, kept share {share}). This is a fault of the mixer {plan.Method}.");
        }
        var classes = state.Data.Train.Dataset.ClassNames.Count;
        var sums = batch.Targets!.Soft(classes, ScalarType.Float64).sum(1);
        // 1, unless a method weighs the two labels apart.
        var weights = tensor(plan.Images.Select(image => image.Lambda + image.PartnerWeight).ToArray(), device: sums.device);
        if (!sums.allclose(weights, atol: 1e-9))
            throw new InvalidOperationException($"Mix audit: targets of step {state.Step} do not sum to their weights. This is a fault of the mixer {plan.Method}.");
    }

    private void CheckUnmixed(Batch batch)
    {
        if (batch.Plan is not null)
            throw new InvalidOperationException($"Mix audit: an evaluation batch was mixed by {batch.Plan.Method}. Validation and test batches must stay as they are.");
        evaluated += batch.Count;
    }
}
