using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// Deep pyramidal residual networks for small images (Han, Kim, Kim 2017, "Deep Pyramidal Residual Networks", equation 2, additive): from 16 channels every
/// block adds α/L, so the width grows in each of the L blocks and not at the stages' starts alone. Depth 6n+2 with basic blocks, 9n+2 with bottlenecks.
/// Parameter names are those of the CutMix authors' code.
/// </summary>
public sealed class PyramidNet : ImageClassifier
{
    private const int Stem = 16;

    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1, bn_final;
    private readonly Sequential layer1, layer2, layer3;
    private readonly Linear fc;

    internal PyramidNet(string id, int depth, double alpha, bool bottleneck, int classes, int channels) : base(id, classes, channels)
    {
        var blocks = (depth - 2) / (bottleneck ? 9 : 6);
        var widths = Widths(3 * blocks, alpha);
        var expansion = bottleneck ? PyramidBottleneck.Expansion : 1;
        nn.Module<Tensor, Tensor> Block(int index)
        {
            var input = index == 0 ? Stem : widths[index - 1] * expansion;
            var stride = index > 0 && index % blocks == 0 ? 2 : 1;
            return bottleneck ? new PyramidBottleneck(input, widths[index], stride) : new PyramidBasicBlock(input, widths[index], stride);
        }
        conv1 = Layers.Conv3x3(channels, Stem);
        bn1 = nn.BatchNorm2d(Stem);
        layer1 = Layers.Stage(0, blocks, Block);
        layer2 = Layers.Stage(blocks, blocks, Block);
        layer3 = Layers.Stage(2 * blocks, blocks, Block);
        bn_final = nn.BatchNorm2d(widths[^1] * expansion);
        fc = nn.Linear(widths[^1] * expansion, classes);
        RegisterComponents();
        Initialize();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        x = bn1.call(conv1.call(x));                                 // (N, 16, H, W), no ReLU
        x = layer3.call(layer2.call(layer1.call(x)));                // (N, 16 + α, H/4, W/4), four times as wide with bottlenecks
        x = nn.functional.relu(bn_final.call(x));
        return fc.call(x.mean([2, 3]));                              // (N, K)
    }

    // The exact width grows by α/L per block; the one that is used is rounded and never carries its error on.
    private static int[] Widths(int blocks, double alpha)
    {
        var widths = new int[blocks];
        var exact = (double)Stem;
        for (var i = 0; i < blocks; i++)
        {
            exact += alpha / blocks;
            widths[i] = (int)Math.Round(exact);
        }
        return widths;
    }
}
