using Patchwork.Formats;
using Patchwork.Plans;

namespace Patchwork.Training;

/// <summary>
/// Writes TensorBoard scalars: the learning rate of every step, and every epoch's other metrics at the step that the epoch ended with.
/// Steps count completed ones, so the rate of the first step stands at 1. A resumed run opens a new event file.
/// </summary>
public sealed class TensorBoardLog(string folder) : Callback
{
    private const string Rate = "learning_rate";
    private TensorBoardWriter? writer;

    /// <inheritdoc/>
    public override void OnTrainStart(TrainingState state) => writer = new TensorBoardWriter(folder);

    /// <inheritdoc/>
    public override void OnTrainBatchEnd(TrainingState state, Batch batch)
    {
        // A callback may have given the parameter groups rates of their own.
        double[] rates = [.. state.Optimizer.ParamGroups.Select(group => group.LearningRate)];
        if (rates.All(rate => rate == rates[0]))
        {
            writer!.AddScalar(Rate, rates[0], state.Step);
            return;
        }
        for (var i = 0; i < rates.Length; i++)
            writer!.AddScalar($"{Rate}/group{i}", rates[i], state.Step);
    }

    /// <inheritdoc/>
    public override void OnTrainEpochEnd(TrainingState state)
    {
        foreach (var (name, value) in state.Metrics.Where(metric => metric.Key != Rate))
            writer!.AddScalar(name, value, state.Step);
        writer!.Flush();
    }

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingState state) => writer?.Dispose();
}
