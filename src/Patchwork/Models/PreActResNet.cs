using Patchwork.Formats;
using TorchSharp;
using TorchSharp.Modules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// Pre-activation ResNet-18 for small images (He et al. 2016, "Identity Mappings in Deep Residual Networks"): 3×3 stem, stages of 64, 128,
/// 256 and 512 channels. Architecture and parameter names follow the public code with which Manifold Mixup was measured
/// (kuangliu/pytorch-cifar).
/// </summary>
public sealed class PreActResNet : ImageClassifier
{
    private readonly Conv2d conv1;
    private readonly Sequential layer1, layer2, layer3, layer4;
    private readonly Linear linear;

    internal PreActResNet(ModelRequest request, int[] blocks) : base(request)
    {
        var stages = new Stages(request.Options, blocks);
        Sequential Stage(int stage, int input, int width, int stride) =>
            stages.Build(stage, (i, interior) =>
                i == 0 ? new PreActBlock(input, width, stride, interior) : new PreActBlock(width, width, 1, interior));
        conv1 = Layers.Conv3x3(request.Channels, 64);
        layer1 = Stage(1, 64, 64, 1);
        layer2 = Stage(2, 64, 128, 2);
        layer3 = Stage(3, 128, 256, 2);
        layer4 = Stage(4, 256, 512, 2);
        linear = nn.Linear(512, request.Classes);
        RegisterComponents();
        Initialize();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> StageNames => [nameof(layer1), nameof(layer2), nameof(layer3), nameof(layer4)];

    /// <inheritdoc/>
    public override OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        x = graph.Through(layer2, graph.Through(layer1, graph.Through(conv1, x)));
        x = graph.Through(layer4, graph.Through(layer3, x));
        return graph.Through(linear, graph.Mean(x));
    }

    private protected override Tensor Logits(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = layer4.call(layer3.call(layer2.call(layer1.call(conv1.call(Layers.ChannelsLast(x))))));      // (N, 512, H/8, W/8)
        // Differs from the paper: no batch norm and ReLU after the last addition, as in the public code.
        return linear.call(Pooled(x)).MoveToOuterDisposeScope();               // (N, K)
    }
}

/// <summary>
/// The block of figure 4 (e) of the paper: batch norm, ReLU and 3×3 convolution, twice. The shortcut's convolution has no batch norm and
/// gets the activated input.
/// </summary>
internal sealed class PreActBlock : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly Conv2d conv1, conv2;
    private readonly BatchNorm2d bn1, bn2;
    private readonly Sequential? shortcut;
    private readonly nn.Module<Tensor, Tensor>? dropblock, end;

    public PreActBlock(int input, int width, int stride, BlockInterior interior) : base(nameof(PreActBlock))
    {
        bn1 = nn.BatchNorm2d(input);
        conv1 = Layers.Conv3x3(input, width, stride);
        bn2 = nn.BatchNorm2d(width);
        conv2 = Layers.Conv3x3(width, width);
        shortcut = stride == 1 && input == width ? null : nn.Sequential(("0", Layers.Conv1x1(input, width, stride)));
        (dropblock, end) = (interior.Features(), interior.End());
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var activated = nn.functional.relu(bn1.call(x));
        var kept = (shortcut is null ? x : shortcut.call(activated)).Through(dropblock);
        var y = nn.functional.relu(bn2.call(conv1.call(activated))).Through(dropblock);
        return conv2.call(y).Through(dropblock).Through(end).PlusInPlace(kept).MoveToOuterDisposeScope();
    }

    public OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        var activated = graph.Relu(graph.Through(bn1, x));
        var kept = graph.Through(dropblock, shortcut is null ? x : graph.Through(shortcut, activated));
        var y = graph.Through(dropblock, graph.Relu(graph.Through(bn2, graph.Through(conv1, activated))));
        return graph.Add(graph.Through(end, graph.Through(dropblock, graph.Through(conv2, y))), kept);
    }
}
