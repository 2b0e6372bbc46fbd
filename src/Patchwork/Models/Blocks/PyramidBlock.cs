using Patchwork.Formats;
using TorchSharp;
using TorchSharp.Modules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// The basic block of Han et al. 2017, figure 6 (d): batch norm first and last, one ReLU between the two 3×3 convolutions, none after the
/// addition.
/// </summary>
internal sealed class PyramidBasicBlock : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly Conv2d conv1, conv2;
    private readonly BatchNorm2d bn1, bn2, bn3;
    private readonly nn.Module<Tensor, Tensor>? dropblock, end;
    private readonly int stride;

    public PyramidBasicBlock(int input, int width, int stride, BlockInterior interior) : base(nameof(PyramidBasicBlock))
    {
        bn1 = nn.BatchNorm2d(input);
        conv1 = Layers.Conv3x3(input, width, stride);
        bn2 = nn.BatchNorm2d(width);
        conv2 = Layers.Conv3x3(width, width);
        bn3 = nn.BatchNorm2d(width);
        (dropblock, end) = (interior.Features(), interior.End());
        this.stride = stride;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = conv1.call(bn1.call(x));
        y = conv2.call(nn.functional.relu(bn2.call(y)).Through(dropblock));
        y = bn3.call(y).Through(dropblock).Through(end);
        return PaddedShortcut.Add(y, PaddedShortcut.Of(x, stride).Through(dropblock)).MoveToOuterDisposeScope();
    }

    public OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        var y = graph.Through(conv1, graph.Through(bn1, x));
        y = graph.Through(conv2, graph.Through(dropblock, graph.Relu(graph.Through(bn2, y))));
        y = graph.Through(end, graph.Through(dropblock, graph.Through(bn3, y)));
        return PaddedShortcut.Add(graph, y, graph.Through(dropblock, PaddedShortcut.Of(graph, x, stride)));
    }
}

/// <summary>
/// The bottleneck block of the same paper: three convolutions, 1×1, 3×3 (which has the stride) and 1×1 to four times the width.
/// </summary>
internal sealed class PyramidBottleneck : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    public const int Expansion = 4;

    private readonly Conv2d conv1, conv2, conv3;
    private readonly BatchNorm2d bn1, bn2, bn3, bn4;
    private readonly nn.Module<Tensor, Tensor>? dropblock, end;
    private readonly int stride;

    public PyramidBottleneck(int input, int width, int stride, BlockInterior interior) : base(nameof(PyramidBottleneck))
    {
        bn1 = nn.BatchNorm2d(input);
        conv1 = Layers.Conv1x1(input, width);
        bn2 = nn.BatchNorm2d(width);
        conv2 = Layers.Conv3x3(width, width, stride);
        bn3 = nn.BatchNorm2d(width);
        conv3 = Layers.Conv1x1(width, width * Expansion);
        bn4 = nn.BatchNorm2d(width * Expansion);
        (dropblock, end) = (interior.Features(), interior.End());
        this.stride = stride;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = conv1.call(bn1.call(x));
        y = conv2.call(nn.functional.relu(bn2.call(y)).Through(dropblock));
        y = conv3.call(nn.functional.relu(bn3.call(y)).Through(dropblock));
        y = bn4.call(y).Through(dropblock).Through(end);
        return PaddedShortcut.Add(y, PaddedShortcut.Of(x, stride).Through(dropblock)).MoveToOuterDisposeScope();
    }

    public OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        var y = graph.Through(conv1, graph.Through(bn1, x));
        y = graph.Through(conv2, graph.Through(dropblock, graph.Relu(graph.Through(bn2, y))));
        y = graph.Through(conv3, graph.Through(dropblock, graph.Relu(graph.Through(bn3, y))));
        y = graph.Through(end, graph.Through(dropblock, graph.Through(bn4, y)));
        return PaddedShortcut.Add(graph, y, graph.Through(dropblock, PaddedShortcut.Of(graph, x, stride)));
    }
}

/// <summary>The shortcut of Han et al. 2017, which has no weights; missing channels are zero and come last.</summary>
internal static class PaddedShortcut
{
    /// <summary>Returns the block's input (N, C, H, W), averaged over 2×2 pixels when the stride is 2.</summary>
    public static Tensor Of(Tensor input, int stride) => stride == 1 ? input : nn.functional.avg_pool2d(input, 2, 2, ceil_mode: true);

    /// <summary>
    /// Adds the shortcut (N, C, h, w) to the branch (N, C', h, w) in place, C ≤ C'. Only the first C channels are changed, so no padding
    /// with zeros is needed.
    /// </summary>
    public static Tensor Add(Tensor branch, Tensor shortcut)
    {
        branch.narrow(1, 0, shortcut.size(1)).PlusInPlace(shortcut);
        return branch;
    }

    public static OnnxValue Of(OnnxGraph graph, OnnxValue input, int stride) => stride == 1 ? input : graph.AveragePool(input, 2);

    public static OnnxValue Add(OnnxGraph graph, OnnxValue branch, OnnxValue shortcut) =>
        graph.Add(branch, graph.PadChannels(shortcut, branch.Channels));
}
