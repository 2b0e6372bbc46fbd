using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Training;

/// <summary>
/// Trains on mixed batches: CutMix as a callback. Hands the mixer to the loader when planning needs no pixels, so that the batch is mixed while it is
/// assembled; mixes at the start of the step otherwise. Wraps the training loss with the pair loss, leaves validation and test alone, and puts everything
/// back when the fit ends, also when it throws.
/// </summary>
public sealed class MixingCallback(Mixer mixer) : Callback
{
    private Mixer current = mixer;      // the probability of the epoch at hand
    private bool clean;
    private BatchLoader? loader;
    private IPlanner? plannerBefore;
    private BatchLoss? lossBefore;

    /// <summary>The method.</summary>
    public Mixer Mixer { get; } = mixer;

    /// <summary>
    /// Lets the probability rise linearly from 0 in the first epoch to the mixer's in the last: "Scheduled CutMix" of the paper's table 8. Default false.
    /// </summary>
    public bool Ramp { get; init; }

    /// <summary>Last epochs in which nothing is mixed. Range: 0 or more. Default 0.</summary>
    public int CleanTail { get; init; }

    /// <inheritdoc/>
    public override void OnFitStart(TrainingState state)
    {
        loader = state.Data.Train;
        plannerBefore = loader.Planner;
        if (!state.Options.Loss.IsLinear)
        {
            state.Report($"warning: {state.Options.Loss.GetType().Name} as set is not linear in the target: trained is λ of its value for one label plus 1-λ of " +
                "that for the other, not its value for the mixed target");
        }
        var before = lossBefore = state.TrainLoss;
        state.TrainLoss = (logits, batch) => batch.Targets is { } targets ? targets.Loss(logits, state.Options.Loss) : before(logits, batch);
    }

    /// <inheritdoc/>
    public override void OnTrainEpochStart(TrainingState state)
    {
        clean = state.Epoch >= state.Options.Epochs - CleanTail;
        var share = Ramp ? state.Epoch / Math.Max(state.Options.Epochs - 1.0, 1) : 1;
        current = share == 1 ? Mixer : Mixer with { Probability = Mixer.Probability * share };
        loader!.Planner = !clean && current is { Needs: Needs.Nothing, PlansBoxes: true } ? current : null;
    }

    /// <inheritdoc/>
    public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
    {
        if (clean || batch.Plan is not null)
            return batch;
        var draws = state.Options.Seeds.Open("mix", state.Epoch, state.StepInEpoch);
        return current.Mix(batch, draws, state.Model);
    }

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingState state)
    {
        if (lossBefore is null)
            return;
        state.TrainLoss = lossBefore;
        loader!.Planner = plannerBefore;
        lossBefore = null;
    }
}
