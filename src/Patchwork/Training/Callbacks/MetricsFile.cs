using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Internals;

namespace Patchwork.Training;

/// <summary>
/// Writes the metrics of every epoch as one line of JSON. On resume the file is truncated to its length at the checkpoint, so it reads as
/// if the run had never been interrupted.
/// </summary>
public sealed class MetricsFile(string path) : Callback
{
    private long length;

    /// <summary>λ-weighted training accuracy of the last epoch, 0 to 1.</summary>
    public double TrainAccuracy { get; private set; }

    /// <summary>Seconds spent in training steps so far.</summary>
    public double Seconds { get; private set; }

    /// <inheritdoc/>
    public override bool OnFirstRankOnly => true;

    /// <inheritdoc/>
    public override void OnTrainStart(TrainingState state)
    {
        using var file = new FileStream(path, FileMode.OpenOrCreate);
        file.SetLength(Math.Min(file.Length, length));
    }

    /// <inheritdoc/>
    public override void OnTrainEpochEnd(TrainingState state)
    {
        TrainAccuracy = state.Metrics["train/accuracy"];
        Seconds += state.Data.Train.Dataset.Count / state.Metrics["images_per_second"];
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("epoch", state.Epoch);
            foreach (var (name, value) in state.Metrics)
                json.WriteFinite(name, value);
            json.WriteEndObject();
        }
        buffer.Write("\n"u8);
        using var file = new FileStream(path, FileMode.Append);
        buffer.WriteTo(file);
        length = file.Length;
    }

    /// <inheritdoc/>
    public override JsonObject StateDict() => new() { ["bytes"] = length, ["trainAccuracy"] = TrainAccuracy, ["seconds"] = Seconds };

    /// <inheritdoc/>
    public override void LoadStateDict(JsonObject state) =>
        (length, TrainAccuracy, Seconds) = ((long)state["bytes"]!, (double)state["trainAccuracy"]!, (double)state["seconds"]!);
}
