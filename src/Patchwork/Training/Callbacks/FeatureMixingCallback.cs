using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Schedules;

namespace Patchwork.Training;

/// <summary>
/// Trains on mixed hidden features: Manifold Mixup and Feature CutMix as a callback. Attaches to the model for the duration of the fit,
/// draws a plan for each batch, and wraps the training loss with the pair loss. Evaluation is unaffected, and the plain model is restored
/// when the fit ends, even if it throws.
/// </summary>
public sealed class FeatureMixingCallback(FeatureMixer mixer) : Callback
{
    /// <summary>
    /// Probability that a batch is mixed, as a schedule over the training; null: the mixer's own throughout. Range of its values [0, 1].
    /// </summary>
    public StrengthSchedule? Probability { get; init; }

    /// <summary>
    /// α of λ ~ Beta(α, α), as a schedule over the training; null: the mixer's own throughout. Range of its values: positive.
    /// </summary>
    public StrengthSchedule? Alpha { get; init; }

    /// <summary>Number of epochs at the end in which nothing is mixed. Range: 0 or more. Default 0.</summary>
    public int CleanTail { get; init; }

    /// <summary>
    /// Terms that are added to the loss of mixed images, see <see cref="Losses.Decoupled"/>; they need class ids. Null, the default: none.
    /// </summary>
    public Decoupled? Decoupled { get; init; }

    private FeatureAttachment? attached;
    private BatchLoss? lossBefore;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// Gradients are accumulated over several passes, but a plan applies to the features of one pass.
    /// </exception>
    public override void OnFitStart(TrainingState state)
    {
        if (state.Options.Accumulate > 1)
            throw new ArgumentException($"Hidden features are mixed within one forward pass. Received: accumulate "
                + $"{state.Options.Accumulate}. Use accumulate 1, or a method that mixes pixels.");
        if (Decoupled is not null)
            Losses.Decoupled.RequireFit(state.Criterion);
        var before = lossBefore = state.TrainLoss;
        state.TrainLoss = (logits, batch) => batch.Targets is { } targets ? targets.Loss(logits, state.Criterion, Decoupled)
            : before(logits, batch);
    }

    /// <inheritdoc/>
    public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
    {
        if (state.Epoch >= state.Options.Epochs - CleanTail)
            return batch;
        attached ??= mixer.Attach(state.Model, batch.Images);
        var now = state.EpochsDone;
        attached.Mixer = mixer with { Probability = Probability?.At(now) ?? mixer.Probability, Alpha = Alpha?.At(now) ?? mixer.Alpha };
        // With several ranks, each rank mixes the features of its own rows.
        attached.Plan = attached.Draw(batch.Images, state.Options.Seeds.Open("mix", state.Epoch, state.OwnStream));
        return batch with
        {
            Images = attached.Input(batch.Images),
            Plan = attached.Plan,
            Targets = attached.Targets(batch.Labels),
            Part = batch.Part is { } part ? part with { PlansWhole = false } : null,
        };
    }

    /// <inheritdoc/>
    public override void OnTrainBatchEnd(TrainingState state, Batch batch)
    {
        if (attached is not null)
            attached.Plan = null;
    }

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingState state)
    {
        attached?.Dispose();
        attached = null;
        if (lossBefore is not null)
            state.TrainLoss = lossBefore;
        lossBefore = null;
    }
}
