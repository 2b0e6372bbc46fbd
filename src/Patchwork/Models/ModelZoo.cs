using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Models;

/// <summary>The catalogue of networks, by name.</summary>
public static class ModelZoo
{
    private static readonly Dictionary<string, Func<ModelRequest, ImageClassifier>> Entries = new()
    {
        ["resnet8"] = r => new CifarResNet(r, depth: 8, bottleneck: false),
        ["resnet20"] = r => new CifarResNet(r, depth: 20, bottleneck: false),
        ["resnet32"] = r => new CifarResNet(r, depth: 32, bottleneck: false),
        ["resnet44"] = r => new CifarResNet(r, depth: 44, bottleneck: false),
        ["resnet56"] = r => new CifarResNet(r, depth: 56, bottleneck: false),
        ["resnet110"] = r => new CifarResNet(r, depth: 110, bottleneck: false),
        ["resnet110bottleneck"] = r => new CifarResNet(r, depth: 110, bottleneck: true),      // the paper's "ResNet-110"
        ["resnet18"] = r => new ResNet(r, bottleneck: false, [2, 2, 2, 2]),
        ["resnet34"] = r => new ResNet(r, bottleneck: false, [3, 4, 6, 3]),
        ["resnet50"] = r => new ResNet(r, bottleneck: true, [3, 4, 6, 3]),
        ["resnet18-imagenet"] = r => new ResNet(r, bottleneck: false, [2, 2, 2, 3]),      // for published weights that have no classifier
        ["preactresnet18"] = r => new PreActResNet(r, [2, 2, 2, 2]),
        ["wrn-16-4"] = r => new WideResNet(r, depth: 16, widen: 4),
        ["wrn-16-8"] = r => new WideResNet(r, depth: 16, widen: 8),
        ["wrn-28-2"] = r => new WideResNet(r, depth: 28, widen: 2),
        ["wrn-28-8"] = r => new WideResNet(r, depth: 28, widen: 8),
        ["wrn-28-10"] = r => new WideResNet(r, depth: 28, widen: 10),
        ["wrn-40-2"] = r => new WideResNet(r, depth: 40, widen: 2),
        ["resnext29-32x4d"] = r => new ResNeXt(r, cardinality: 32, width: 4),
        ["resnext29-4x24d"] = r => new ResNeXt(r, cardinality: 4, width: 24),
        ["resnext29-4x64d"] = r => new ResNeXt(r, cardinality: 4, width: 64),
        ["resnext29-8x64d"] = r => new ResNeXt(r, cardinality: 8, width: 64),
        ["resnext29-16x64d"] = r => new ResNeXt(r, cardinality: 16, width: 64),
        ["pyramidnet110-a48"] = r => new PyramidNet(r, depth: 110, alpha: 48, bottleneck: false),
        ["pyramidnet110-a64"] = r => new PyramidNet(r, depth: 110, alpha: 64, bottleneck: true),        // the paper's, with bottlenecks
        ["pyramidnet110-a84"] = r => new PyramidNet(r, depth: 110, alpha: 84, bottleneck: false),
        ["pyramidnet110-a270"] = r => new PyramidNet(r, depth: 110, alpha: 270, bottleneck: false),
        ["pyramidnet164-a48"] = r => new PyramidNet(r, depth: 164, alpha: 48, bottleneck: true),
        ["pyramidnet164-a270"] = r => new PyramidNet(r, depth: 164, alpha: 270, bottleneck: true),
        ["pyramidnet200-a240"] = r => new PyramidNet(r, depth: 200, alpha: 240, bottleneck: true),      // the paper's main network
        ["pyramidnet272-a200"] = r => new PyramidNet(r, depth: 272, alpha: 200, bottleneck: true),
        ["vit-tiny"] = r => new VisionTransformer(r, width: 192),
        ["vit-small"] = r => new VisionTransformer(r, width: 384),
        ["cct-2-3x2"] = r => new CompactTransformer(r, layers: 2, heads: 2, width: 128),
    };

    /// <summary>Names of the networks.</summary>
    public static IReadOnlyList<string> Ids { get; } = [.. Entries.Keys];

    /// <summary>True for networks whose first layers can be chosen by <see cref="ModelOptions.Stem"/>.</summary>
    public static bool HasStems(string id) =>
        id.ToLowerInvariant() is "resnet18" or "resnet34" or "resnet50" or "resnet18-imagenet";

    /// <summary>True for transformers, whose features are tokens and which say to which patches of an image they attend.</summary>
    public static bool IsTransformer(string id) =>
        id.StartsWith("vit-", StringComparison.OrdinalIgnoreCase) || id.StartsWith("cct-", StringComparison.OrdinalIgnoreCase);

    /// <summary>Returns why a network cannot be trained with a method, in one sentence; null if it can.</summary>
    /// <param name="id">Name of the network, in any case.</param>
    /// <param name="method">The method.</param>
    public static string? Misfit(string id, IMethod method) => (method.NetworkNeed, IsTransformer(id)) switch
    {
        (NetworkNeed.FeatureMaps, true) => $"{method.Id} needs a network with feature maps, such as resnet20. Received: model {id}, whose "
            + "features are tokens.",
        (NetworkNeed.Attention, false) => $"{method.Id} needs a network that attends to parts of an image: "
            + $"{string.Join(", ", Ids.Where(IsTransformer))}. Received: model {id}.",
        _ => null,
    };

    /// <summary>Creates a network with random weights from torch's default generator. The caller owns it.</summary>
    /// <param name="id">Name of the network, in any case.</param>
    /// <param name="classes">Number of logits. Range: at least 2.</param>
    /// <param name="channels">Number of input channels.</param>
    /// <param name="imageSize">Height of the input; determines the stem of networks that have two, unless the options set it.</param>
    /// <param name="options">The regularizers that act inside the network in training, and the stem; null for the defaults.</param>
    /// <exception cref="InputException">No network has that name; the message suggests the nearest one.</exception>
    public static ImageClassifier Create(string id, int classes, int channels = 3, int imageSize = 32, ModelOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        id = id.ToLowerInvariant();
        if (!Entries.TryGetValue(id, out var create))
            throw InputException.Unknown("model", id, Ids);
        lock (TorchDraws.Networks)
            return create(new ModelRequest(id, classes, channels, imageSize, options ?? new ModelOptions()));
    }
}

/// <summary>The arguments that every network needs for its construction.</summary>
internal sealed record ModelRequest(string Id, int Classes, int Channels, int ImageSize, ModelOptions Options);
