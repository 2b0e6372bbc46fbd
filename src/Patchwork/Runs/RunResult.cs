using System.Text.Json;
using System.Text.Json.Serialization;
using Patchwork.Internals;

namespace Patchwork.Runs;

/// <summary>The numbers of a finished run.</summary>
/// <param name="Last">After the last epoch.</param>
/// <param name="Best">At the epoch with the lowest validation error.</param>
/// <param name="BestTestEpoch">True when the best epoch was chosen on the test set itself (<c>--validation test</c>), as the paper did: its
/// number flatters.</param>
/// <param name="Epochs">Completed epochs.</param>
/// <param name="TrainAccuracy">λ-weighted training accuracy of the last epoch, 0 to 1.</param>
/// <param name="Seconds">Seconds spent in training steps.</param>
/// <param name="TestImages">Images of the test set.</param>
public sealed record RunResult(TestScore Last, TestScore Best, bool BestTestEpoch, int Epochs, double TrainAccuracy, double Seconds,
    long TestImages)
{
    /// <summary>Mixed training images by the λ of their label, in twentieths from 0 to 1; null where nothing mixed pixels.</summary>
    public IReadOnlyList<long>? Lambdas { get; init; }

    /// <summary>What the test numbers were computed in; the recipe says what was trained in.</summary>
    [JsonConverter(typeof(JsonStringEnumConverter<Precision>))]
    public Precision Precision { get; init; }

    /// <summary>The result as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RunResultJson.Default.RunResult);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    public static RunResult FromJson(string json) => JsonSerializer.Deserialize(json, RunResultJson.Default.RunResult)!;
}

/// <summary>Scores on the test set.</summary>
/// <param name="Epoch">Completed epochs when the weights were taken.</param>
/// <param name="Loss">Mean loss; NaN, <c>null</c> in files, where it is not finite.</param>
/// <param name="Top1Error">Share of images whose best class is wrong.</param>
/// <param name="Top5Error">Share of images whose label is not among the five best.</param>
public sealed record TestScore(int Epoch, double Loss, double Top1Error, double Top5Error)
{
    /// <summary>For images with several labels the mean average precision; null for images with one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? MeanAveragePrecision { get; init; }

    /// <summary>What is called the test error: <see cref="Top1Error"/>, or for several labels 1 less the mean average precision.</summary>
    [JsonIgnore]
    public double Error => MeanAveragePrecision is { } map ? 1 - map : Top1Error;

    internal static TestScore Of(int epoch, Training.EvaluationResult result) =>
        new(epoch, result.Loss, result.Top1Error, result.Top5Error) { MeanAveragePrecision = result.MeanAveragePrecision };
}

[JsonSourceGenerationOptions(WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    Converters = [typeof(FiniteOrNull)])]
[JsonSerializable(typeof(RunResult))]
internal sealed partial class RunResultJson : JsonSerializerContext;
