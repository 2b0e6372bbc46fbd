using Patchwork.Losses;
using Patchwork.Plans;
using Patchwork.Schedules;

namespace Patchwork.Training;

/// <summary>
/// Changes the label smoothing ε of the training loss over the training; validation and test keep the loss of the options.
/// </summary>
/// <param name="schedule">ε. Range of its values [0, 1).</param>
public sealed class SmoothingSchedule(StrengthSchedule schedule) : Callback
{
    /// <inheritdoc/>
    public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
    {
        state.Criterion = Smoothed(state.Options.Loss, schedule.At(state.EpochsDone));
        return batch;
    }

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingState state) => state.Criterion = state.Options.Loss;

    private static Loss Smoothed(Loss loss, double epsilon) => loss switch
    {
        CrossEntropy entropy => entropy with { LabelSmoothing = epsilon },
        BinaryCrossEntropy entropy => entropy with { LabelSmoothing = epsilon },
        _ => throw new ArgumentException($"Label smoothing needs cross entropy or binary cross entropy. Received: {loss.GetType().Name}."),
    };
}
