using System.Text.Json.Nodes;

namespace Patchwork.Training;

/// <summary>Ends the fit when a metric has not become lower for some epochs. <see cref="Checkpointing"/> keeps the best weights.</summary>
/// <param name="patience">Number of epochs without a lower value after which the fit ends. Range: at least 1.</param>
public sealed class EarlyStopping(int patience) : Callback
{
    private readonly int patience = patience >= 1 ? patience
        : throw new ArgumentOutOfRangeException(nameof(patience), $"patience must be at least 1 epoch. Received: patience = {patience}.");

    private double best = double.PositiveInfinity;
    private int waited;
    private string? monitor;

    /// <summary>
    /// The metric. Null, the default: <c>val/top1_error</c>, or <c>val/map_error</c> for images with several labels.
    /// </summary>
    public string? Monitor { get; init; }

    /// <summary>Minimum decrease that counts as a lower value. Range: 0 or more. Default 0.</summary>
    public double LeastChange
    {
        get;
        init => field = value >= 0 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"least change must be 0 or more. Received: {value}.");
    }

    /// <inheritdoc/>
    // A run that was killed after its last checkpoint and before its result must not train for another epoch.
    public override void OnTrainStart(TrainingState state) => StopIfDue(state);

    /// <inheritdoc/>
    public override void OnTrainEpochEnd(TrainingState state)
    {
        if ((monitor = Monitor ?? ValidationError.In(state.Metrics)) is null || !state.Metrics.TryGetValue(monitor, out var value))
            throw new InvalidOperationException($"Early stopping needs the metric {monitor ?? ValidationError.OfOneLabel}, which this fit "
                + "does not have. Pass a validation loader.");
        (best, waited) = value < best - LeastChange ? (value, 0) : (best, waited + 1);
        StopIfDue(state);
    }

    /// <inheritdoc/>
    public override JsonObject? StateDict() => double.IsInfinity(best) ? null : new() { ["best"] = best, ["waited"] = waited };

    /// <inheritdoc/>
    public override void LoadStateDict(JsonObject state) => (best, waited) = ((double)state["best"]!, (int)state["waited"]!);

    private void StopIfDue(TrainingState state)
    {
        if (waited >= patience)
            state.Stop($"{monitor ?? Monitor ?? "the validation error"} has not been lower than {best:G4} for {waited} epochs");
    }
}
