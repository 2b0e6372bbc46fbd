using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// Residual networks for small images: a 3×3 stem of 16 channels and three stages of 16, 32 and 64 (He et al. 2016, section 4.2), with 1×1 convolutions in
/// the shortcuts as in the CutMix authors' code. Depth 6n+2 with basic blocks, 9n+2 with bottlenecks.
/// </summary>
public sealed class CifarResNet : ImageClassifier
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Sequential layer1, layer2, layer3;
    private readonly Linear fc;

    internal CifarResNet(string id, int depth, bool bottleneck, int classes, int channels) : base(id, classes, channels)
    {
        var blocks = (depth - 2) / (bottleneck ? 9 : 6);
        var expansion = bottleneck ? Bottleneck.Expansion : BasicBlock.Expansion;
        conv1 = Layers.Conv3x3(channels, 16);
        bn1 = nn.BatchNorm2d(16);
        layer1 = Layers.Stage(bottleneck, 16, 16, blocks, stride: 1);
        layer2 = Layers.Stage(bottleneck, 16 * expansion, 32, blocks, stride: 2);
        layer3 = Layers.Stage(bottleneck, 32 * expansion, 64, blocks, stride: 2);
        fc = nn.Linear(64 * expansion, classes);
        RegisterComponents();
        Initialize();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        x = nn.functional.relu(bn1.call(conv1.call(x)));      // (N, 16, H, W)
        x = layer3.call(layer2.call(layer1.call(x)));         // (N, 64·expansion, H/4, W/4)
        return fc.call(x.mean([2, 3]));                       // (N, K)
    }
}
