using Patchwork.Models;
using Patchwork.Plans;

namespace Patchwork.Training;

/// <summary>
/// Tells the network how far training has come, so that what ramps in it (DropBlock's drop rate, linearly from 0) follows the steps of the whole run.
/// </summary>
public sealed class DropRamp : Callback
{
    /// <inheritdoc/>
    public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
    {
        var steps = (double)state.Options.Epochs * state.Data.Train.Steps;
        ((ImageClassifier)state.Model).TrainingProgress = Math.Min(state.Step / steps, 1);
        return batch;
    }
}
