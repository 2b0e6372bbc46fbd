using Patchwork.Interop;

namespace Patchwork.Training;

/// <summary>
/// Writes every epoch's metrics as TensorBoard scalars, at the step that the epoch ended with. A resumed run opens a new event file.
/// </summary>
public sealed class TensorBoardLog(string folder) : Callback
{
    private TensorBoardWriter? writer;

    /// <inheritdoc/>
    public override void OnTrainStart(TrainingState state) => writer = new TensorBoardWriter(folder);

    /// <inheritdoc/>
    public override void OnTrainEpochEnd(TrainingState state)
    {
        foreach (var (name, value) in state.Metrics)
            writer!.AddScalar(name, value, state.Step);
        writer!.Flush();
    }

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingState state) => writer?.Dispose();
}
