using System.Text.Json;
using System.Text.Json.Serialization;

namespace Patchwork.Onnx;

/// <summary>The card of an exported file, stored in its metadata under <c>patchwork.card</c>.</summary>
/// <param name="Model">Name of the network.</param>
/// <param name="Classes">Names of the classes, in the order of the probabilities.</param>
/// <param name="Channels">3 for red, green and blue, 1 for grey.</param>
/// <param name="Height">Rows of the network's input.</param>
/// <param name="Width">Columns of the network's input.</param>
/// <param name="Mean">Mean that is subtracted from pixels in [0, 1], per channel.</param>
/// <param name="StandardDeviation">Standard deviation that the difference is divided by, per channel.</param>
/// <param name="CenterCrop">Fraction of the sides of the largest centred window that is kept, in (0, 1]. Default 1.</param>
/// <param name="ScaledDecoding">
/// Whether large JPEG files are decoded at 1/2, 1/4 or 1/8 of their size, as in training. Default false.
/// </param>
/// <param name="MultiLabel">True if an image can show several classes or none. Default false.</param>
/// <param name="Threshold">With several labels: the lowest probability at which a class counts as shown. Null means 0.5.</param>
/// <param name="Input">
/// Format of the graph's input: <c>pixels</c>, the default, is uint8 (N, height, width, channels); <c>normalized</c> is float32
/// (N, channels, height, width).
/// </param>
public sealed record OnnxCard(
    string Model, IReadOnlyList<string> Classes, int Channels, int Height, int Width, IReadOnlyList<float> Mean,
    [property: JsonPropertyName("deviation")] IReadOnlyList<float> StandardDeviation, double CenterCrop = 1, bool ScaledDecoding = false,
    bool MultiLabel = false, double? Threshold = null, string Input = "pixels")
{
    /// <summary>Reads a card; null if the text is not a valid one.</summary>
    internal static OnnxCard? Of(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, OnnxCardJson.Default.OnnxCard) is
            {
                Classes.Count: >= 2, Channels: 1 or 3, Height: >= 1, Width: >= 1, CenterCrop: > 0 and <= 1, Input: "pixels" or "normalized"
            } card && card.Mean?.Count == card.Channels && card.StandardDeviation?.Count == card.Channels ? card : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(OnnxCard))]
internal sealed partial class OnnxCardJson : JsonSerializerContext;
