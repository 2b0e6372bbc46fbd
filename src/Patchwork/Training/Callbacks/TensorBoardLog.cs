using System.Text.Json.Nodes;
using Patchwork.Formats;
using Patchwork.Plans;

namespace Patchwork.Training;

/// <summary>
/// Writes TensorBoard scalars: the learning rate of every step, the other metrics of every epoch at the epoch's last step, and those of the
/// test at the last step of the fit. The step number counts completed steps, so the rate of the first step is at 1. A resumed run appends
/// to the event file of its checkpoint, truncated to its length at that time: no step appears twice.
/// </summary>
/// <param name="folder">The folder of the event file.</param>
public sealed class TensorBoardLog(string folder) : Callback
{
    private const string Rate = "learning_rate";
    private TensorBoardWriter? writer;
    private (string Name, long Length)? resumed;

    /// <summary>The open event file, which other callbacks add to: TensorBoard follows one growing file per run.</summary>
    internal TensorBoardWriter Writer => writer ?? throw new InvalidOperationException("The event file is open only during a fit. "
        + $"Received: a {nameof(TensorBoardLog)} that is not in use. Pass it to the trainer too.");

    /// <inheritdoc/>
    public override bool OnFirstRankOnly => true;

    /// <inheritdoc/>
    public override void OnTrainStart(TrainingState state) =>
        writer = resumed is { } file && Path.Combine(folder, file.Name) is var path && File.Exists(path)
            ? TensorBoardWriter.Append(path, file.Length) : new TensorBoardWriter(folder);

    /// <inheritdoc/>
    public override void OnTrainBatchEnd(TrainingState state, Batch batch)
    {
        // A callback may have given the parameter groups different rates.
        double[] rates = [.. state.Optimizer.ParamGroups.Select(group => group.LearningRate)];
        if (rates.All(rate => rate == rates[0]))
        {
            Writer.AddScalar(Rate, rates[0], state.Step);
            return;
        }
        for (var i = 0; i < rates.Length; i++)
            Writer.AddScalar($"{Rate}/group{i}", rates[i], state.Step);
    }

    /// <inheritdoc/>
    public override void OnTrainEpochEnd(TrainingState state) => Add(state, state.Metrics.Where(metric => metric.Key != Rate));

    /// <inheritdoc/>
    public override void OnTestEnd(TrainingState state) =>
        Add(state, state.Metrics.Where(metric => metric.Key.StartsWith("test/", StringComparison.Ordinal)));

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingState state) => writer?.Dispose();

    /// <inheritdoc/>
    public override JsonObject? StateDict()
    {
        if (writer is null)
            return resumed is { } file ? State(file.Name, file.Length) : null;
        writer.Flush();      // a checkpoint relies on everything added before it
        return State(Path.GetFileName(writer.Path), writer.Length);
    }

    /// <inheritdoc/>
    public override void LoadStateDict(JsonObject state) => resumed = ((string)state["file"]!, (long)state["bytes"]!);

    private static JsonObject State(string name, long length) => new() { ["file"] = name, ["bytes"] = length };

    private void Add(TrainingState state, IEnumerable<KeyValuePair<string, double>> metrics)
    {
        foreach (var (name, value) in metrics)
            Writer.AddScalar(name, value, state.Step);
        Writer.Flush();
    }
}
