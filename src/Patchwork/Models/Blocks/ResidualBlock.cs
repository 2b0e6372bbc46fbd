using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// He et al. 2016, "Deep Residual Learning for Image Recognition", figure 5 left: two 3×3 convolutions. Parameter names are torchvision's.
/// </summary>
internal sealed class BasicBlock : nn.Module<Tensor, Tensor>
{
    public const int Expansion = 1;

    private readonly Conv2d conv1, conv2;
    private readonly BatchNorm2d bn1, bn2;
    private readonly Sequential? downsample;

    public BasicBlock(int input, int width, int stride) : base(nameof(BasicBlock))
    {
        conv1 = Layers.Conv3x3(input, width, stride);
        bn1 = nn.BatchNorm2d(width);
        conv2 = Layers.Conv3x3(width, width);
        bn2 = nn.BatchNorm2d(width);
        downsample = Layers.Shortcut(input, width * Expansion, stride);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        var y = nn.functional.relu(bn1.call(conv1.call(x)));
        y = bn2.call(conv2.call(y));
        return nn.functional.relu(y.add_(downsample is null ? x : downsample.call(x)));
    }
}

/// <summary>Figure 5 right of the same paper: 1×1, 3×3 (which carries the stride), 1×1 to four times the width.</summary>
internal sealed class Bottleneck : nn.Module<Tensor, Tensor>
{
    public const int Expansion = 4;

    private readonly Conv2d conv1, conv2, conv3;
    private readonly BatchNorm2d bn1, bn2, bn3;
    private readonly Sequential? downsample;

    public Bottleneck(int input, int width, int stride) : base(nameof(Bottleneck))
    {
        conv1 = Layers.Conv1x1(input, width);
        bn1 = nn.BatchNorm2d(width);
        conv2 = Layers.Conv3x3(width, width, stride);
        bn2 = nn.BatchNorm2d(width);
        conv3 = Layers.Conv1x1(width, width * Expansion);
        bn3 = nn.BatchNorm2d(width * Expansion);
        downsample = Layers.Shortcut(input, width * Expansion, stride);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        var y = nn.functional.relu(bn1.call(conv1.call(x)));
        y = nn.functional.relu(bn2.call(conv2.call(y)));
        y = bn3.call(conv3.call(y));
        return nn.functional.relu(y.add_(downsample is null ? x : downsample.call(x)));
    }
}

/// <summary>Layers that residual networks share.</summary>
internal static class Layers
{
    public static Conv2d Conv3x3(int input, int output, int stride = 1) => nn.Conv2d(input, output, 3, stride, padding: 1, bias: false);

    public static Conv2d Conv1x1(int input, int output, int stride = 1) => nn.Conv2d(input, output, 1, stride, bias: false);

    /// <summary>1×1 convolution and batch norm where the shape changes, nothing where it does not.</summary>
    public static Sequential? Shortcut(int input, int output, int stride) =>
        stride == 1 && input == output ? null : nn.Sequential(("0", Conv1x1(input, output, stride)), ("1", nn.BatchNorm2d(output)));

    /// <summary>A stage: the first block changes the width and carries the stride.</summary>
    public static Sequential Stage(bool bottleneck, int input, int width, int blocks, int stride)
    {
        var output = width * (bottleneck ? Bottleneck.Expansion : BasicBlock.Expansion);
        nn.Module<Tensor, Tensor> Block(int from, int step) => bottleneck ? new Bottleneck(from, width, step) : new BasicBlock(from, width, step);
        return nn.Sequential([.. Enumerable.Range(0, blocks).Select(i => ($"{i}", i == 0 ? Block(input, stride) : Block(output, 1)))]);
    }
}
