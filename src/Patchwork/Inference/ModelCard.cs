using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Patchwork.Data;
using Patchwork.Formats;
using Patchwork.Internals;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Regularization;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Inference;

/// <summary>Describes a trained network: everything that using it requires besides its weights.</summary>
/// <param name="Model">Model id.</param>
/// <param name="Classes">Class names; a label is an index into them.</param>
/// <param name="Channels">Number of channels of the input.</param>
/// <param name="Height">Height of the input in pixels.</param>
/// <param name="Width">Width of the input in pixels.</param>
/// <param name="Mean">Mean per channel, which is subtracted from pixels in [0, 1].</param>
/// <param name="StandardDeviation">Standard deviation per channel, by which the result is divided.</param>
public sealed record ModelCard(
    string Model, IReadOnlyList<string> Classes, int Channels, int Height, int Width, IReadOnlyList<float> Mean,
    [property: JsonPropertyName("deviation")] IReadOnlyList<float> StandardDeviation)
{
    private const int LargestSide = 1024;
    private const int LargestWithSmallStem = 64;      // in cards without a stem

    /// <summary>Center crop: the share of the sides of an image's central square that is used. Range (0, 1]. Default 1.</summary>
    public double CenterCrop { get; init; } = 1;

    /// <summary>
    /// Whether JPEG files are decoded at 1/2, 1/4 or 1/8 of their size if that leaves at least twice the size needed, as in training.
    /// Default false, as for cards without this key.
    /// </summary>
    public bool ScaledDecoding { get; init; }

    /// <summary>
    /// The methods that the network was built with: ShakeDrop scales its branches in evaluation too. Default <c>baseline</c>.
    /// </summary>
    public string Method { get; init; } = Methods.Baseline;

    /// <summary>The drop probability of these methods; null: their default.</summary>
    public double? DropProbability { get; init; }

    /// <summary>
    /// True if an image may show several classes or none: probabilities are then those of a sigmoid, independent for each class. Default
    /// false.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool MultiLabel { get; init; }

    /// <summary>
    /// With several labels per image: the minimum probability at which a class counts as shown, chosen on the validation images. Null, the
    /// default: 0.5.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Threshold { get; init; }

    /// <summary>
    /// The first layers of a network that has two kinds. Null, as in cards from before there was a choice: the small stem up to 64 pixels.
    /// </summary>
    [JsonConverter(typeof(JsonStringEnumConverter<Stem>))]
    public Stem? Stem { get; init; }

    /// <summary>
    /// The value that the logits are divided by before the softmax (Guo et al., ICML 2017), fitted on the validation images. Range: above
    /// 0. Null, the default: 1.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Temperature { get; init; }

    /// <summary>The seed that the network was trained with; null if unknown.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ulong? Seed { get; init; }

    /// <summary>The digest of the images that the network was trained on (<see cref="DataDigest"/>); null if unknown.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Data { get; init; }

    /// <summary>The version of Patchwork that trained the network; null if unknown.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Version { get; init; }

    /// <summary>The options of the methods by name, as in a recipe; null: their defaults.</summary>
    [JsonConverter(typeof(OptionTexts))]
    public IReadOnlyDictionary<string, string>? Options { get; init => field = value is { Count: > 0 } ? value : null; }

    /// <summary>Creates the card of a network that your own program trains.</summary>
    /// <param name="model">The network.</param>
    /// <param name="train">
    /// The images that it is trained on. If image files are cropped or decoded at full size, set this on the card:
    /// <see cref="CenterCrop"/>, <see cref="ScaledDecoding"/>.
    /// </param>
    public static ModelCard Of(nn.Module<Tensor, Tensor> model, Dataset train) =>
        Of((model as ImageClassifier)?.Id ?? model.GetName(), train) with { Stem = (model as ResNet)?.Stem };

    internal static ModelCard Of(string model, Dataset train) => new(model, train.ClassNames, train.Channels, train.Height, train.Width,
        train.Normalization.Mean, train.Normalization.StandardDeviation)
    { ScaledDecoding = true, MultiLabel = train.IsMultiLabel };

    /// <summary>Creates the network that the card describes, with fresh weights. The caller owns it.</summary>
    /// <exception cref="InputException">The card names an unknown model, method or option.</exception>
    public ImageClassifier CreateModel()
    {
        var (settings, stack) = (MethodSettings.Parse(Options), MethodStack.Parse(Method));
        settings.RequireUse([.. stack.Parts], $"method {Method}");
        if (DropProbability is { } chance)
        {
            if (!stack.Methods.Any(method => method is BranchRegularizer))
                throw new InputException($"A drop probability needs a method that drops. Received: {chance} for method {Method}.");
            stack = stack.With(method => method is BranchRegularizer branch ? branch with { DropProbability = chance } : method);
        }
        settings.RequireOneEach(stack, Method);
        return ModelZoo.Create(Model, Classes.Count, Channels, Height, stack.With(settings.Over).ModelOptions with
        {
            Stem = Stem ?? (Height <= LargestWithSmallStem ? Models.Stem.Small : Models.Stem.ImageNet),
        });
    }

    /// <summary>Creates the network that the card describes, with the weights from a file. The caller owns it.</summary>
    /// <param name="weights">A safetensors file.</param>
    /// <param name="device">The device for the network.</param>
    /// <exception cref="InputException">
    /// The card names something unknown, or the weights are missing, damaged, not finite or those of another network.
    /// </exception>
    public ImageClassifier LoadModel(string weights, Device device)
    {
        var model = CreateModel();
        try
        {
            Safetensors.LoadInto(weights, model);
            if (FiniteTensors.FirstOther(model.state_dict()) is { } name)
                throw new InvalidDataException($"{name} has values that are not finite. Use an earlier checkpoint, or train again.");
            model.to(device);
            return model;
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            model.Dispose();
            throw new InputException($"The weights {weights} cannot be used: {error.Message}", error);
        }
    }

    /// <summary>
    /// The label of a class by its name: an exact match, in composed or decomposed form, or otherwise the only class that matches in
    /// another case; null if there is none.
    /// </summary>
    public int? LabelOf(string className)
    {
        int[] Like(StringComparison comparison) => [.. Enumerable.Range(0, Classes.Count)
            .Where(label => string.Equals(ClassName.Composed(Classes[label]), ClassName.Composed(className), comparison))];
        return Like(StringComparison.Ordinal) is [var exact, ..] ? exact
            : Like(StringComparison.OrdinalIgnoreCase) is [var one] ? one : null;
    }

    /// <summary>Puts the labels of a data set into the order of the network's classes, which must have the same names.</summary>
    /// <param name="data">The set.</param>
    /// <param name="network">What messages call the network.</param>
    /// <exception cref="InputException">The set has other classes, or images with another number of channels.</exception>
    public DatasetPair InOrder(DatasetPair data, string network)
    {
        const int named = 12;
        static string List(IReadOnlyList<string> names) => $"{string.Join(", ", names.Take(named))}"
            + (names.Count > named ? $" and {names.Count - named} more" : "");
        if (data.Train.Channels != Channels)
            throw new InputException($"{network} needs images with {Channels} {(Channels == 1 ? "channel" : "channels")}. Received: "
                + $"{data.Train.Channels}, from {data.Id}. Choose the data set that it was trained on.");
        if (Relabelled.To(data, Classes) is { } ordered)
            return ordered;
        var received = data.Train.ClassNames;
        string[] gone = [.. Classes.Except(received)], added = [.. received.Except(Classes)];
        throw new InputException($"{network} has the {Classes.Count} classes {List(Classes)}. Received: a data set of {received.Count}, "
            + $"{List(received)}"
            + (gone.Length > 0 ? $"; without {List(gone)}" : "") + (added.Length > 0 ? $"; with {List(added)}" : "")
            + ". Restore the names of the classes, or train a new run on this data.");
    }

    /// <summary>The card as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ModelCardJson.Default.ModelCard);

    /// <summary>Reads a card from a file.</summary>
    /// <exception cref="InputException">There is no such file, or it is not a card.</exception>
    public static ModelCard Read(string path)
    {
        try
        {
            return FromJson(File.ReadAllText(path), path);
        }
        catch (IOException error)
        {
            throw Refusal(path, error.Message, error);
        }
    }

    /// <summary>Reads the text of a card; <paramref name="path"/> is its name in messages.</summary>
    /// <exception cref="InputException">The text is not a card, or no network can have its sizes.</exception>
    internal static ModelCard FromJson(string json, string path)
    {
        try
        {
            var card = WithDefaults(json).Deserialize(ModelCardJson.Default.ModelCard);
            return card is
            {
                Model: not null, Method: not null, DropProbability: null or (>= 0 and <= 1), Classes.Count: >= 2, Channels: 1
                or 3, Height: >= 1 and <= LargestSide, Width: >= 1 and <= LargestSide, CenterCrop: > 0 and <= 1,
                Temperature: null or (> 0 and < double.PositiveInfinity)
            }
                && !card.Classes.Contains(null!) && card.Mean?.Count == card.Channels && card.StandardDeviation?.Count == card.Channels
                && card.Mean.All(float.IsFinite) && card.StandardDeviation.All(value => value > 0 && float.IsFinite(value))
                ? card
                : throw Refusal(path, "its values are missing or contradict each other");
        }
        // the latter two: half of a surrogate pair in a string, a duplicate key
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException)
        {
            throw Refusal(path, error.Message, error);
        }
    }

    // A key that is missing in an older card gets its default; the serializer would give it the zero of its type.
    private static JsonObject WithDefaults(string json)
    {
        var card = JsonNode.Parse(new ModelCard("", [], 0, 0, 0, [], []).ToJson())!.AsObject();
        var given = JsonNode.Parse(json) as JsonObject ?? throw new JsonException("it is not an object");
        foreach (var (key, value) in given)
            card[key] = value?.DeepClone();
        return card;
    }

    private static InputException Refusal(string path, string what, Exception? cause = null) =>
        new($"A run must have a {path} that names its model and classes. Received: none that can be read ({what.TrimEnd('.')}).", cause);
}

[JsonSourceGenerationOptions(WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.Never)]
[JsonSerializable(typeof(ModelCard))]
internal sealed partial class ModelCardJson : JsonSerializerContext;
