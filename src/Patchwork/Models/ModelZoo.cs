using Patchwork.Internals;

namespace Patchwork.Models;

/// <summary>The catalogue of networks.</summary>
public static class ModelZoo
{
    private static readonly Dictionary<string, Func<string, int, int, int, ImageClassifier>> Entries = new()
    {
        ["resnet8"] = (id, classes, channels, _) => new CifarResNet(id, 8, false, classes, channels),
        ["resnet20"] = (id, classes, channels, _) => new CifarResNet(id, 20, false, classes, channels),
        ["resnet32"] = (id, classes, channels, _) => new CifarResNet(id, 32, false, classes, channels),
        ["resnet44"] = (id, classes, channels, _) => new CifarResNet(id, 44, false, classes, channels),
        ["resnet56"] = (id, classes, channels, _) => new CifarResNet(id, 56, false, classes, channels),
        ["resnet110"] = (id, classes, channels, _) => new CifarResNet(id, 110, false, classes, channels),
        ["resnet110bottleneck"] = (id, classes, channels, _) => new CifarResNet(id, 110, true, classes, channels),      // the paper's "ResNet-110"
        ["resnet18"] = (id, classes, channels, size) => new ResNet(id, false, [2, 2, 2, 2], classes, channels, size),
        ["resnet34"] = (id, classes, channels, size) => new ResNet(id, false, [3, 4, 6, 3], classes, channels, size),
        ["resnet50"] = (id, classes, channels, size) => new ResNet(id, true, [3, 4, 6, 3], classes, channels, size),
        ["preactresnet18"] = (id, classes, channels, _) => new PreActResNet(id, [2, 2, 2, 2], classes, channels),
        ["wrn-16-4"] = (id, classes, channels, _) => new WideResNet(id, 16, 4, classes, channels),
        ["wrn-16-8"] = (id, classes, channels, _) => new WideResNet(id, 16, 8, classes, channels),
        ["wrn-28-2"] = (id, classes, channels, _) => new WideResNet(id, 28, 2, classes, channels),
        ["wrn-28-8"] = (id, classes, channels, _) => new WideResNet(id, 28, 8, classes, channels),
        ["wrn-28-10"] = (id, classes, channels, _) => new WideResNet(id, 28, 10, classes, channels),
        ["wrn-40-2"] = (id, classes, channels, _) => new WideResNet(id, 40, 2, classes, channels),
        ["resnext29-32x4d"] = (id, classes, channels, _) => new ResNeXt(id, 32, 4, classes, channels),
        ["resnext29-4x24d"] = (id, classes, channels, _) => new ResNeXt(id, 4, 24, classes, channels),
        ["resnext29-4x64d"] = (id, classes, channels, _) => new ResNeXt(id, 4, 64, classes, channels),
        ["resnext29-8x64d"] = (id, classes, channels, _) => new ResNeXt(id, 8, 64, classes, channels),
        ["resnext29-16x64d"] = (id, classes, channels, _) => new ResNeXt(id, 16, 64, classes, channels),
        ["pyramidnet110-a48"] = (id, classes, channels, _) => new PyramidNet(id, 110, 48, false, classes, channels),
        ["pyramidnet110-a64"] = (id, classes, channels, _) => new PyramidNet(id, 110, 64, true, classes, channels),        // the paper's, of bottlenecks
        ["pyramidnet110-a84"] = (id, classes, channels, _) => new PyramidNet(id, 110, 84, false, classes, channels),
        ["pyramidnet110-a270"] = (id, classes, channels, _) => new PyramidNet(id, 110, 270, false, classes, channels),
        ["pyramidnet164-a48"] = (id, classes, channels, _) => new PyramidNet(id, 164, 48, true, classes, channels),
        ["pyramidnet164-a270"] = (id, classes, channels, _) => new PyramidNet(id, 164, 270, true, classes, channels),
        ["pyramidnet200-a240"] = (id, classes, channels, _) => new PyramidNet(id, 200, 240, true, classes, channels),      // the paper's main network
        ["pyramidnet272-a200"] = (id, classes, channels, _) => new PyramidNet(id, 272, 200, true, classes, channels),
    };

    /// <summary>Names of the networks.</summary>
    public static IReadOnlyList<string> Ids { get; } = [.. Entries.Keys];

    /// <summary>Makes a network with fresh weights from torch's default generator. The caller owns it.</summary>
    /// <param name="id">Name of the network.</param>
    /// <param name="classes">Number of logits. Range: at least 2.</param>
    /// <param name="channels">Channels of the input.</param>
    /// <param name="imageSize">Rows of the input; decides the stem of <c>resnet18</c>, <c>resnet34</c> and <c>resnet50</c>.</param>
    /// <exception cref="InputException">No network has that name; the nearest one is offered.</exception>
    public static ImageClassifier Create(string id, int classes, int channels = 3, int imageSize = 32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        return Entries.TryGetValue(id, out var create) ? create(id, classes, channels, imageSize) : throw InputException.Unknown("model", id, Ids);
    }
}
