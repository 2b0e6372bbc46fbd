using Patchwork.Formats;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// Residual networks for small images: a 3×3 stem of 16 channels and three stages of 16, 32 and 64 channels (He et al. 2016, section 4.2),
/// with 1×1 convolutions in the shortcuts as in the CutMix authors' code. Depth 6n+2 with basic blocks, 9n+2 with bottlenecks.
/// </summary>
public sealed class CifarResNet : ImageClassifier
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Sequential layer1, layer2, layer3;
    private readonly Linear fc;

    internal CifarResNet(ModelRequest request, int depth, bool bottleneck) : base(request)
    {
        var blocks = (depth - 2) / (bottleneck ? 9 : 6);
        var expansion = bottleneck ? Bottleneck.Expansion : BasicBlock.Expansion;
        var stages = new Stages(request.Options, blocks, blocks, blocks);
        conv1 = Layers.Conv3x3(request.Channels, 16);
        bn1 = nn.BatchNorm2d(16);
        layer1 = Layers.Stage(stages, 1, bottleneck, 16, 16, stride: 1);
        layer2 = Layers.Stage(stages, 2, bottleneck, 16 * expansion, 32, stride: 2);
        layer3 = Layers.Stage(stages, 3, bottleneck, 32 * expansion, 64, stride: 2);
        fc = nn.Linear(64 * expansion, request.Classes);
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
        x = nn.functional.relu(bn1.call(conv1.call(Layers.ChannelsLast(x))));               // (N, 16, H, W)
        x = layer3.call(layer2.call(layer1.call(x)));                  // (N, 64·expansion, H/4, W/4)
        return fc.call(Pooled(x)).MoveToOuterDisposeScope();      // (N, K)
    }
}
