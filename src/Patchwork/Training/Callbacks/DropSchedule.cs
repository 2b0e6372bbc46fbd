using Patchwork.Plans;
using Patchwork.Regularization;
using Patchwork.Schedules;

namespace Patchwork.Training;

/// <summary>
/// Changes the drop probability inside the network (DropBlock, stochastic depth, ShakeDrop) over the training. When the fit ends, the
/// network keeps the final value and is then evaluated with it.
/// </summary>
/// <param name="schedule">Drop probability, that of the last block if it grows with depth. Range of its values [0, 1].</param>
public sealed class DropSchedule(StrengthSchedule schedule) : Callback
{
    /// <summary>Id of the only method to change; null: all. Default null.</summary>
    public string? Method { get; init; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Nothing in the network has a drop probability.</exception>
    public override void OnFitStart(TrainingState state)
    {
        if (!BranchLayer.In(state.Model, Method).Any())
            throw new ArgumentException($"A drop probability needs a network with {Method ?? "dropblock, stochasticdepth or shakedrop"} "
                + $"layers. Received: a {state.Model.GetType().Name} without them. Pass the method to ModelZoo.Create, or add its LayerAt "
                + "to your own blocks.");
    }

    /// <inheritdoc/>
    public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
    {
        Set(state, state.EpochsDone);
        return batch;
    }

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingState state) => Set(state, state.Options.Epochs);

    private void Set(TrainingState state, double epoch)
    {
        foreach (var layer in BranchLayer.In(state.Model, Method))
            layer.Method = layer.Method with { DropProbability = schedule.At(epoch) };
    }
}
