using Patchwork.Formats;
using TorchSharp;
using TorchSharp.Modules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// Wide residual networks for small images (Zagoruyko and Komodakis 2016, table 1): pre-activation, stages of 16k, 32k and 64k channels,
/// depth 6n+4. Convolutions have no bias. Parameter names are those of the public PyTorch port (xternalz/WideResNet-pytorch).
/// </summary>
public sealed class WideResNet : ImageClassifier
{
    private readonly Conv2d conv1;
    private readonly WideStage block1, block2, block3;
    private readonly BatchNorm2d bn1;
    private readonly Linear fc;

    internal WideResNet(ModelRequest request, int depth, int widen) : base(request)
    {
        var blocks = (depth - 4) / 6;
        var stages = new Stages(request.Options, blocks, blocks, blocks);
        conv1 = Layers.Conv3x3(request.Channels, 16);
        block1 = new WideStage(stages, 1, 16, 16 * widen, stride: 1);
        block2 = new WideStage(stages, 2, 16 * widen, 32 * widen, stride: 2);
        block3 = new WideStage(stages, 3, 32 * widen, 64 * widen, stride: 2);
        bn1 = nn.BatchNorm2d(64 * widen);
        fc = nn.Linear(64 * widen, request.Classes);
        RegisterComponents();
        Initialize();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> StageNames => [nameof(block1), nameof(block2), nameof(block3)];

    /// <inheritdoc/>
    public override OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        x = graph.Through(block3, graph.Through(block2, graph.Through(block1, graph.Through(conv1, x))));
        return graph.Through(fc, graph.Mean(graph.Relu(graph.Through(bn1, x))));
    }

    private protected override Tensor Logits(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = block3.call(block2.call(block1.call(conv1.call(Layers.ChannelsLast(x)))));      // (N, 64·k, H/4, W/4)
        x = nn.functional.relu(bn1.call(x));
        return fc.call(Pooled(x)).MoveToOuterDisposeScope();      // (N, K)
    }
}

/// <summary>A stage; its blocks are called <c>layer</c> in the published parameter keys.</summary>
internal sealed class WideStage : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly Sequential layer;

    public WideStage(Stages stages, int stage, int input, int width, int stride) : base(nameof(WideStage))
    {
        layer = stages.Build(stage, (i, interior) => i == 0 ? new WideBlock(input, width, stride, interior)
            : new WideBlock(width, width, 1, interior));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => layer.call(x);

    public OnnxValue Write(OnnxGraph graph, OnnxValue x) => graph.Through(layer, x);
}

/// <summary>
/// The block of Zagoruyko and Komodakis 2016, figure 1 (c): batch norm, ReLU and 3×3 convolution, twice. The shortcut's convolution gets
/// the activated input.
/// </summary>
internal sealed class WideBlock : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly Conv2d conv1, conv2;
    private readonly BatchNorm2d bn1, bn2;
    private readonly Conv2d? convShortcut;
    private readonly nn.Module<Tensor, Tensor>? dropblock, end;

    public WideBlock(int input, int width, int stride, BlockInterior interior) : base(nameof(WideBlock))
    {
        bn1 = nn.BatchNorm2d(input);
        conv1 = Layers.Conv3x3(input, width, stride);
        bn2 = nn.BatchNorm2d(width);
        conv2 = Layers.Conv3x3(width, width);
        convShortcut = input == width ? null : Layers.Conv1x1(input, width, stride);
        (dropblock, end) = (interior.Features(), interior.End());
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var activated = nn.functional.relu(bn1.call(x));
        var shortcut = (convShortcut is null ? x : convShortcut.call(activated)).Through(dropblock);
        var y = nn.functional.relu(bn2.call(conv1.call(activated))).Through(dropblock);
        return conv2.call(y).Through(dropblock).Through(end).PlusInPlace(shortcut).MoveToOuterDisposeScope();
    }

    public OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        var activated = graph.Relu(graph.Through(bn1, x));
        var kept = graph.Through(dropblock, convShortcut is null ? x : graph.Through(convShortcut, activated));
        var y = graph.Through(dropblock, graph.Relu(graph.Through(bn2, graph.Through(conv1, activated))));
        return graph.Add(graph.Through(end, graph.Through(dropblock, graph.Through(conv2, y))), kept);
    }
}
