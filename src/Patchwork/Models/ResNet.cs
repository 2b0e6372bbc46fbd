using Patchwork.Formats;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// ResNet-18, 34 and 50 (He et al. 2016, table 1) with torchvision's parameter names; as in torchvision, the 3×3 convolution of a
/// bottleneck has the stride. <see cref="ModelOptions.Stem"/> chooses the first layers; by default, images below 64 pixels get the small
/// stem.
/// </summary>
public sealed class ResNet : ImageClassifier
{
    // From 64 pixels on, the published stem makes fewer errors in an eighth of the time (docs/guide/own-pictures.md).
    private const int LargestSmallImage = 63;

    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly MaxPool2d? maxpool;
    private readonly Sequential layer1, layer2, layer3, layer4;
    private readonly Linear fc;

    internal ResNet(ModelRequest request, bool bottleneck, int[] blocks) : base(request)
    {
        var expansion = bottleneck ? Bottleneck.Expansion : BasicBlock.Expansion;
        Blocks = blocks;
        Stem = request.Options.Stem ?? StemFor(request.ImageSize);
        var small = Stem == Stem.Small;
        var stages = new Stages(request.Options, blocks);
        conv1 = small ? Layers.Conv3x3(request.Channels, 64) : nn.Conv2d(request.Channels, 64, 7, stride: 2, padding: 3, bias: false);
        bn1 = nn.BatchNorm2d(64);
        maxpool = small ? null : nn.MaxPool2d(3, stride: 2, padding: 1);
        layer1 = Layers.Stage(stages, 1, bottleneck, 64, 64, stride: 1);
        layer2 = Layers.Stage(stages, 2, bottleneck, 64 * expansion, 128, stride: 2);
        layer3 = Layers.Stage(stages, 3, bottleneck, 128 * expansion, 256, stride: 2);
        layer4 = Layers.Stage(stages, 4, bottleneck, 256 * expansion, 512, stride: 2);
        fc = nn.Linear(512 * expansion, request.Classes);
        RegisterComponents();
        Initialize();
    }

    /// <summary>The first layers of the network.</summary>
    public Stem Stem { get; }

    /// <summary>Number of blocks in each stage.</summary>
    internal IReadOnlyList<int> Blocks { get; }

    /// <summary>The default first layers for images of a size.</summary>
    /// <param name="imageSize">Height of the images in pixels.</param>
    internal static Stem StemFor(int imageSize) => imageSize <= LargestSmallImage ? Stem.Small : Stem.ImageNet;

    /// <inheritdoc/>
    public override IReadOnlyList<string> StageNames => [nameof(layer1), nameof(layer2), nameof(layer3), nameof(layer4)];

    /// <inheritdoc/>
    public override OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        x = graph.Through(maxpool, graph.Relu(graph.Through(bn1, graph.Through(conv1, x))));
        x = graph.Through(layer4, graph.Through(layer3, graph.Through(layer2, graph.Through(layer1, x))));
        return graph.Through(fc, graph.Mean(x));
    }

    private protected override Tensor Logits(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = nn.functional.relu(bn1.call(conv1.call(Layers.ChannelsLast(x))));
        if (maxpool is not null)
            x = maxpool.call(x);
        x = layer4.call(layer3.call(layer2.call(layer1.call(x))));      // (N, 512·expansion, h, w)
        return fc.call(Pooled(x)).MoveToOuterDisposeScope();       // (N, K)
    }
}
