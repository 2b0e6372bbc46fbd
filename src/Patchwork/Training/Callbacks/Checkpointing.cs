using System.Text.Json.Nodes;
using Patchwork.Internals;

namespace Patchwork.Training;

/// <summary>
/// Writes a checkpoint after every epoch, optionally every few steps, and when the fit is cancelled; keeps the weights of the epoch with
/// the lowest validation error. Weights that are not finite never overwrite finite ones.
/// </summary>
public sealed class Checkpointing(CheckpointStore store) : Callback
{
    private double best = double.PositiveInfinity;
    private int bestEpoch;

    /// <summary>Steps between checkpoints within an epoch; 0 writes none within an epoch. Default 0.</summary>
    public int EverySteps { get; init; }

    /// <summary>
    /// The metric whose lowest value is the best. Null, the default: <c>val/top1_error</c>, or <c>val/map_error</c> for images with
    /// several labels.
    /// </summary>
    public string? Monitor { get; init; }

    /// <summary>Number of completed epochs at the best value so far; 0 before the first.</summary>
    public int BestEpoch => bestEpoch;

    /// <inheritdoc/>
    public override bool RunsLast => true;

    /// <inheritdoc/>
    public override void OnTrainBatchEnd(TrainingState state, Plans.Batch batch)
    {
        if (EverySteps == 0 || state.StepInEpoch % EverySteps != 0 || state.StepInEpoch >= state.Data.Train.Steps)
            return;
        RefuseRuined(state);
        store.Save(state);
    }

    /// <inheritdoc/>
    /// <exception cref="NonFiniteException">A weight is not a number or infinite.</exception>
    public override void OnTrainEpochEnd(TrainingState state)
    {
        RefuseRuined(state);
        if ((Monitor ?? ValidationError.In(state.Metrics)) is { } monitor && state.Metrics.TryGetValue(monitor, out var value)
            && value < best)
        {
            (best, bestEpoch) = (value, state.Epoch);
            store.SaveBest(state);
        }
        store.Save(state);
    }

    /// <inheritdoc/>
    public override void OnException(TrainingState state, Exception exception)
    {
        if (exception is not OperationCanceledException)
            return;
        Span<double> ruined = [Ruined(state) is null ? 0 : 1];
        state.Ranks.Meet(ruined);      // with several ranks, either all of them save or none does
        if (ruined[0] == 0)
            store.Save(state);
    }

    private static void RefuseRuined(TrainingState state)
    {
        if (Ruined(state) is { } name)
            throw NonFinite.Weights(state, name);
    }

    private static string? Ruined(TrainingState state) => FiniteTensors.FirstOther(state.Model.state_dict());

    /// <inheritdoc/>
    public override JsonObject? StateDict() => bestEpoch == 0 ? null : new() { ["best"] = best, ["bestEpoch"] = bestEpoch };

    /// <inheritdoc/>
    public override void LoadStateDict(JsonObject state) => (best, bestEpoch) = ((double)state["best"]!, (int)state["bestEpoch"]!);
}
