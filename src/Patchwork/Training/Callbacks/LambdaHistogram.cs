using System.Text.Json.Nodes;
using Patchwork.Plans;

namespace Patchwork.Training;

/// <summary>
/// Counts the λ that images were actually mixed with during training, in bins of one twentieth, for comparison with the density that λ was
/// drawn from. With several ranks that mix their own rows, only the rows of rank 0 are counted.
/// </summary>
public sealed class LambdaHistogram : Callback
{
    /// <summary>Bins over [0, 1]; the last one holds 1.</summary>
    public const int Bins = 20;

    private readonly long[] counts = new long[Bins];

    /// <summary>Number of images mixed with another image, by the λ of their label.</summary>
    public IReadOnlyList<long> Counts => counts;

    /// <inheritdoc/>
    public override void OnTrainBatchEnd(TrainingState state, Batch batch)
    {
        for (var i = 0; i < batch.Plan?.Images.Count; i++)
        {
            // λ may be above 1 if the two labels are weighted separately (SnapMix).
            if (batch.Plan.Images[i] is var image && image.Partner != i)
                counts[Math.Min((int)(image.Lambda * Bins), Bins - 1)]++;
        }
    }

    /// <inheritdoc/>
    public override JsonObject StateDict() => new() { ["counts"] = new JsonArray([.. counts.Select(count => (JsonNode)count)]) };

    /// <inheritdoc/>
    public override void LoadStateDict(JsonObject state)
    {
        for (var bin = 0; bin < Bins; bin++)
            counts[bin] = (long)state["counts"]![bin]!;
    }
}
