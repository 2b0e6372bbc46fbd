using Patchwork.Data;
using Patchwork.Plans;
using Patchwork.Regularization;
using Patchwork.Schedules;

namespace Patchwork.Training;

/// <summary>
/// Trains on images with erased parts: Cutout and random erasing as a callback. The loader erases while it assembles a batch, before
/// anything is mixed. Validation and test are unaffected, and everything is restored when the fit ends, even if it throws.
/// </summary>
public sealed class ErasingCallback(params Eraser[] erasers) : Callback
{
    /// <summary>
    /// Probability that an image is erased, as a schedule over the training; null: each eraser's own throughout. Range of its values [0,
    /// 1].
    /// </summary>
    public StrengthSchedule? Probability { get; init; }

    /// <summary>Number of epochs at the end in which nothing is erased. Range: 0 or more. Default 0.</summary>
    public int CleanTail { get; init; }

    private BatchLoader? loader;
    private IReadOnlyList<IPlanner> before = [];

    /// <inheritdoc/>
    public override void OnFitStart(TrainingState state)
    {
        loader = state.Data.Train;
        before = loader.Erasers;
    }

    /// <inheritdoc/>
    public override void OnTrainEpochStart(TrainingState state) =>
        loader!.Erasers = state.Epoch >= state.Options.Epochs - CleanTail ? before : [.. before, .. erasers.Select(Planner)];

    private IPlanner Planner(Eraser eraser) =>
        Probability is null ? eraser : new TimedPlanner(eraser, epoch => eraser with { Probability = Probability.At(epoch) });

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingState state)
    {
        if (loader is not null)
            loader.Erasers = before;
        loader = null;
    }
}
