using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Data;
using Patchwork.Interop;
using Patchwork.Models;

namespace Patchwork.Inference;

/// <summary>What is known about the weights that training starts from, read from the files beside them; null for what is unknown.</summary>
internal sealed record WeightsCard
{
    /// <summary>Height and width of the images that they were trained on.</summary>
    public int? ImageSize { get; private init; }

    /// <summary>The normalization of those images.</summary>
    public Normalization? Normalization { get; private init; }

    /// <summary>The first layers of the network, if there is a choice.</summary>
    public Stem? Stem { get; private init; }

    /// <summary>
    /// Reads what is known about a file of weights: from <c>model.json</c> beside the weights of a run, from <c>config.json</c> beside
    /// those of timm, and for the first layers from the weights themselves.
    /// </summary>
    /// <param name="weights">A path, or <c>imagenet</c>.</param>
    /// <exception cref="InputException">The weights do not exist, or cannot be read.</exception>
    public static WeightsCard Of(string weights)
    {
        if (weights == ImageNetResNet18.Id)
        {
            ImageNetResNet18.PathOf(weights);
            return new()
            {
                ImageSize = ImageNetResNet18.ImageSize,
                Normalization = ImageNetResNet18.Normalization,
                Stem = Models.Stem.ImageNet,
            };
        }
        if (!File.Exists(weights))
            throw new InputException($"Weights must be a file of {WeightFormats.Read}, or '{ImageNetResNet18.Id}'. "
                + $"Received: {weights}, which "
                + (Directory.Exists(weights) ? "is a folder; the weights of a run are in its checkpoints/best.safetensors."
                    : "does not exist."));
        var folder = Path.GetDirectoryName(Path.GetFullPath(weights))!;
        var (card, config) = (Path.Combine(folder, "model.json"), Path.Combine(folder, "config.json"));
        var beside = (File.Exists(card) ? OfRun(card) : null) ?? (File.Exists(config) ? OfTimm(config) : null) ?? new();
        return beside with { Stem = StemOf(weights) };
    }

    // A model.json of another program is ignored.
    private static WeightsCard? OfRun(string path)
    {
        try
        {
            var card = ModelCard.Read(path);
            return new()
            {
                ImageSize = card.Height == card.Width ? card.Height : null,
                Normalization = new(card.Mean, card.StandardDeviation),
            };
        }
        catch (Exception error) when (error is InputException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // Hugging Face's layout: pretrained_cfg with input_size, mean and std; missing values stay unknown.
    private static WeightsCard? OfTimm(string path)
    {
        try
        {
            if (JsonNode.Parse(File.ReadAllText(path)) is not JsonObject { } all || all["pretrained_cfg"] is not JsonObject config)
                return null;
            float[]? Numbers(string key) => config[key] is JsonArray { Count: 1 or 3 } values
                ? [.. values.Select(value => (float)value!)] : null;
            var size = config["input_size"] is JsonArray { Count: 3 } input && (int)input[1]! == (int)input[2]!
                ? (int?)(int)input[1]! : null;
            return new()
            {
                ImageSize = size is >= 8 and <= 1024 ? size : null,
                Normalization = Numbers("mean") is { } mean && Numbers("std") is { } deviation && mean.Length == deviation.Length
                    && mean.All(float.IsFinite) && deviation.All(value => value > 0 && float.IsFinite(value)) ? new(mean, deviation) : null,
            };
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or IOException
            or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    // The kernel of the first convolution shows which stem it is.
    private static Stem? StemOf(string weights)
    {
        var stored = StoredWeights.Read(weights, names => names.Where(name => name == "conv1.weight"
            || name.EndsWith(".conv1.weight", StringComparison.Ordinal)).OrderBy(name => name.Length).Take(1));
        var shape = stored.Tensors.Values.FirstOrDefault()?.shape;
        foreach (var tensor in stored.Tensors.Values)
            tensor.Dispose();
        return shape is [64, 1 or 3, 7, 7] ? Models.Stem.ImageNet : shape is [64, 1 or 3, 3, 3] ? Models.Stem.Small : null;
    }
}
