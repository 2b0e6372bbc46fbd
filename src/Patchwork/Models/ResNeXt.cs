using Patchwork.Formats;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// ResNeXt-29 for small images (Xie et al. 2017, section 5.3): three stages of three bottlenecks whose 3×3 convolution has
/// <c>cardinality</c> groups of <c>width</c> channels, doubled at each stage, with 256, 512 and 1024 output channels. Parameter names
/// follow torchvision's ResNeXt.
/// </summary>
public sealed class ResNeXt : ImageClassifier
{
    private const int Blocks = 3;

    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Sequential layer1, layer2, layer3;
    private readonly Linear fc;

    internal ResNeXt(ModelRequest request, int cardinality, int width) : base(request)
    {
        var stages = new Stages(request.Options, Blocks, Blocks, Blocks);
        Sequential Stage(int stage, int input, int output, int inner, int stride) =>
            stages.Build(stage, (i, interior) => i == 0
                ? new Bottleneck(input, inner, output, stride, interior, cardinality)
                : new Bottleneck(output, inner, output, 1, interior, cardinality));
        var inner = cardinality * width;
        conv1 = Layers.Conv3x3(request.Channels, 64);
        bn1 = nn.BatchNorm2d(64);
        layer1 = Stage(1, 64, 256, inner, 1);
        layer2 = Stage(2, 256, 512, 2 * inner, 2);
        layer3 = Stage(3, 512, 1024, 4 * inner, 2);
        fc = nn.Linear(1024, request.Classes);
        RegisterComponents();
        Initialize();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> StageNames => [nameof(layer1), nameof(layer2), nameof(layer3)];

    /// <inheritdoc/>
    public override OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        x = graph.Relu(graph.Through(bn1, graph.Through(conv1, x)));
        x = graph.Through(layer3, graph.Through(layer2, graph.Through(layer1, x)));
        return graph.Through(fc, graph.Mean(x));
    }

    private protected override Tensor Logits(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = nn.functional.relu(bn1.call(conv1.call(Layers.ChannelsLast(x))));               // (N, 64, H, W)
        x = layer3.call(layer2.call(layer1.call(x)));                  // (N, 1024, H/4, W/4)
        return fc.call(Pooled(x)).MoveToOuterDisposeScope();      // (N, K)
    }
}
