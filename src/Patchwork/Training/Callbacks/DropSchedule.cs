using Patchwork.Plans;
using Patchwork.Regularization;
using Patchwork.Schedules;

namespace Patchwork.Training;

/// <summary>
/// Lets the drop probability inside the network (DropBlock, stochastic depth, ShakeDrop) follow the training. When the fit ends the network
/// keeps the value of the end, with which it is then evaluated.
/// </summary>
/// <param name="schedule">Drop probability, in the last block where it grows with depth. Range of its values [0, 1].</param>
public sealed class DropSchedule(StrengthSchedule schedule) : Callback
{
    /// <summary>Id of the one method that is meant; null: all. Default null.</summary>
    public string? Method { get; init; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Nothing in the network has a drop probability.</exception>
    public override void OnFitStart(TrainingState state)
    {
        if (!BranchLayer.In(state.Model, Method).Any())
            throw new ArgumentException($"A drop probability needs a network with {Method ?? "dropblock, stochasticdepth or shakedrop"} "
                + $"inside. Received: a {state.Model.GetType().Name} without. Give the method to ModelZoo.Create, or put its LayerAt "
                + "into your own blocks.");
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
