using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Schedules;

namespace Patchwork.Training;

/// <summary>
/// Lets the drop probability inside the network (DropBlock, stochastic depth, ShakeDrop) follow the training. When the fit ends the network keeps the
/// value of the end, with which it is then evaluated.
/// </summary>
/// <param name="schedule">Drop probability, in the last block where it grows with depth. Range of its values [0, 1].</param>
public sealed class DropSchedule(StrengthSchedule schedule) : Callback
{
    /// <summary>Id of the one method that is meant; null: all. Default null.</summary>
    public string? Method { get; init; }

    /// <inheritdoc/>
    public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
    {
        Set(state, state.EpochsDone);
        return batch;
    }

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingState state) => Set(state, state.Options.Epochs);

    private void Set(TrainingState state, double epoch) => ((ImageClassifier)state.Model).SetDropProbability(schedule.At(epoch), Method);
}
