using Patchwork.Formats;
using TorchSharp;
using TorchSharp.Modules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// The basic block of He et al. 2016, "Deep Residual Learning for Image Recognition", figure 5 left: two 3×3 convolutions. Parameter names
/// are torchvision's.
/// </summary>
internal sealed class BasicBlock : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    public const int Expansion = 1;

    private readonly Conv2d conv1, conv2;
    private readonly BatchNorm2d bn1, bn2;
    private readonly Sequential? downsample;
    private readonly nn.Module<Tensor, Tensor>? dropblock, end;

    public BasicBlock(int input, int width, int stride, BlockInterior interior) : base(nameof(BasicBlock))
    {
        conv1 = Layers.Conv3x3(input, width, stride);
        bn1 = nn.BatchNorm2d(width);
        conv2 = Layers.Conv3x3(width, width);
        bn2 = nn.BatchNorm2d(width);
        downsample = Layers.Shortcut(input, width, stride);
        (dropblock, end) = (interior.Features(), interior.End());
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = nn.functional.relu(bn1.call(conv1.call(x))).Through(dropblock);
        y = bn2.call(conv2.call(y)).Through(dropblock).Through(end);
        return nn.functional.relu(y.PlusInPlace(x.Through(downsample).Through(dropblock))).MoveToOuterDisposeScope();
    }

    public OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        var y = graph.Through(dropblock, graph.Relu(graph.Through(bn1, graph.Through(conv1, x))));
        y = graph.Through(end, graph.Through(dropblock, graph.Through(bn2, graph.Through(conv2, y))));
        return graph.Relu(graph.Add(y, graph.Through(dropblock, graph.Through(downsample, x))));
    }
}

/// <summary>
/// The bottleneck block of the same paper, figure 5 right: convolutions of 1×1, 3×3 (which has the stride) and 1×1 to four times the width.
/// </summary>
internal sealed class Bottleneck : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    public const int Expansion = 4;

    private readonly Conv2d conv1, conv2, conv3;
    private readonly BatchNorm2d bn1, bn2, bn3;
    private readonly Sequential? downsample;
    private readonly nn.Module<Tensor, Tensor>? dropblock, end;

    // Number of groups of the 3×3 convolution: the cardinality of ResNeXt (Xie et al. 2017, figure 3 (c)), 1 for ResNet.
    public Bottleneck(int input, int width, int output, int stride, BlockInterior interior, int groups = 1) : base(nameof(Bottleneck))
    {
        conv1 = Layers.Conv1x1(input, width);
        bn1 = nn.BatchNorm2d(width);
        conv2 = Layers.Conv3x3(width, width, stride, groups);
        bn2 = nn.BatchNorm2d(width);
        conv3 = Layers.Conv1x1(width, output);
        bn3 = nn.BatchNorm2d(output);
        downsample = Layers.Shortcut(input, output, stride);
        (dropblock, end) = (interior.Features(), interior.End());
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = nn.functional.relu(bn1.call(conv1.call(x))).Through(dropblock);
        y = nn.functional.relu(bn2.call(conv2.call(y))).Through(dropblock);
        y = bn3.call(conv3.call(y)).Through(dropblock).Through(end);
        return nn.functional.relu(y.PlusInPlace(x.Through(downsample).Through(dropblock))).MoveToOuterDisposeScope();
    }

    public OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        var y = graph.Through(dropblock, graph.Relu(graph.Through(bn1, graph.Through(conv1, x))));
        y = graph.Through(dropblock, graph.Relu(graph.Through(bn2, graph.Through(conv2, y))));
        y = graph.Through(end, graph.Through(dropblock, graph.Through(bn3, graph.Through(conv3, y))));
        return graph.Relu(graph.Add(y, graph.Through(dropblock, graph.Through(downsample, x))));
    }
}

/// <summary>Layers that residual networks share.</summary>
internal static class Layers
{
    public static Conv2d Conv3x3(int input, int output, int stride = 1, int groups = 1) =>
        nn.Conv2d(input, output, 3, stride, padding: 1, groups: groups, bias: false);

    public static Conv2d Conv1x1(int input, int output, int stride = 1) => nn.Conv2d(input, output, 1, stride, bias: false);

    /// <summary>
    /// Returns the same images (N, C, H, W) in channels-last memory format. Layers preserve this format, and on a CPU it makes training and
    /// inference of small networks up to a third faster.
    /// </summary>
    public static Tensor ChannelsLast(Tensor images) =>
        images.device_type == DeviceType.CPU ? images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : images;

    /// <summary>Creates a 1×1 convolution and batch norm when the shape changes; null when it does not.</summary>
    public static Sequential? Shortcut(int input, int output, int stride) =>
        stride == 1 && input == output ? null : nn.Sequential(("0", Conv1x1(input, output, stride)), ("1", nn.BatchNorm2d(output)));

    /// <summary>Returns the layer's output, or the input when there is no layer.</summary>
    public static Tensor Through(this Tensor x, nn.Module<Tensor, Tensor>? layer) => layer is null ? x : layer.call(x);

    /// <summary>Creates a stage of ResNet; its first block changes the width and has the stride.</summary>
    public static Sequential Stage(Stages stages, int stage, bool bottleneck, int input, int width, int stride)
    {
        var output = width * (bottleneck ? Bottleneck.Expansion : BasicBlock.Expansion);
        return stages.Build(stage, (i, interior) => (bottleneck, i) switch
        {
            (true, 0) => new Bottleneck(input, width, output, stride, interior),
            (true, _) => new Bottleneck(output, width, output, 1, interior),
            (false, 0) => new BasicBlock(input, width, stride, interior),
            (false, _) => new BasicBlock(output, width, 1, interior),
        });
    }
}
