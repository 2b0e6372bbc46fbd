using System.Text.Json;
using System.Text.Json.Serialization;
using Patchwork.Internals;

namespace Patchwork.Runs;

/// <summary>The numbers of a finished run.</summary>
/// <param name="Last">Scores after the last epoch.</param>
/// <param name="Best">Scores at the epoch with the lowest validation error.</param>
/// <param name="BestTestEpoch">
/// True if the best epoch was chosen on the test set itself (<c>--validation test</c>), as in the paper: its score is optimistic.
/// </param>
/// <param name="Epochs">Number of completed epochs.</param>
/// <param name="TrainAccuracy">λ-weighted training accuracy of the last epoch, 0 to 1.</param>
/// <param name="Seconds">Seconds spent in training steps.</param>
/// <param name="TestImages">Number of images in the test set.</param>
public sealed record RunResult(TestScore Last, TestScore Best, bool BestTestEpoch, int Epochs, double TrainAccuracy, double Seconds,
    long TestImages)
{
    /// <summary>
    /// Number of mixed training images by the λ of their label, in bins of one twentieth from 0 to 1; null if nothing mixed pixels.
    /// </summary>
    public IReadOnlyList<long>? Lambdas { get; init; }

    /// <summary>The precision of the test; the recipe has the precision of the training.</summary>
    [JsonConverter(typeof(JsonStringEnumConverter<Precision>))]
    public Precision Precision { get; init; }

    /// <summary>The result as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RunResultJson.Default.RunResult);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    public static RunResult FromJson(string json) => JsonSerializer.Deserialize(json, RunResultJson.Default.RunResult)!;
}

/// <summary>Scores on the test set.</summary>
/// <param name="Epoch">Number of completed epochs when the weights were taken.</param>
/// <param name="Loss">Mean loss; NaN, written as <c>null</c> in files, if it is not finite.</param>
/// <param name="Top1Error">Share of images whose best class is wrong.</param>
/// <param name="Top5Error">Share of images whose label is not among the five best.</param>
public sealed record TestScore(int Epoch, double Loss, double Top1Error, double Top5Error)
{
    /// <summary>The mean average precision for images with several labels; null for images with one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? MeanAveragePrecision { get; init; }

    /// <summary>The test error: <see cref="Top1Error"/>, or 1 minus the mean average precision for images with several labels.</summary>
    [JsonIgnore]
    public double Error => MeanAveragePrecision is { } map ? 1 - map : Top1Error;

    internal static TestScore Of(int epoch, Training.EvaluationResult result) =>
        new(epoch, result.Loss, result.Top1Error, result.Top5Error) { MeanAveragePrecision = result.MeanAveragePrecision };
}

[JsonSourceGenerationOptions(WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    Converters = [typeof(FiniteOrNull)])]
[JsonSerializable(typeof(RunResult))]
internal sealed partial class RunResultJson : JsonSerializerContext;
