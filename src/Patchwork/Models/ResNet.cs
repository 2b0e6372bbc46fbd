using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// ResNet-18, 34 and 50 (He et al. 2016, table 1) with torchvision's parameter names and its place of the stride, the 3×3 convolution of a
/// bottleneck. Images of up to 64 pixels get the usual small stem, 3×3 without pooling; larger ones the published 7×7 stem with stride 2 and max-pooling.
/// </summary>
public sealed class ResNet : ImageClassifier
{
    private const int LargestSmallImage = 64;

    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly MaxPool2d? maxpool;
    private readonly Sequential layer1, layer2, layer3, layer4;
    private readonly Linear fc;

    internal ResNet(string id, bool bottleneck, int[] blocks, int classes, int channels, int imageSize) : base(id, classes, channels)
    {
        var expansion = bottleneck ? Bottleneck.Expansion : BasicBlock.Expansion;
        var small = imageSize <= LargestSmallImage;
        conv1 = small ? Layers.Conv3x3(channels, 64) : nn.Conv2d(channels, 64, 7, stride: 2, padding: 3, bias: false);
        bn1 = nn.BatchNorm2d(64);
        maxpool = small ? null : nn.MaxPool2d(3, stride: 2, padding: 1);
        layer1 = Layers.Stage(bottleneck, 64, 64, blocks[0], stride: 1);
        layer2 = Layers.Stage(bottleneck, 64 * expansion, 128, blocks[1], stride: 2);
        layer3 = Layers.Stage(bottleneck, 128 * expansion, 256, blocks[2], stride: 2);
        layer4 = Layers.Stage(bottleneck, 256 * expansion, 512, blocks[3], stride: 2);
        fc = nn.Linear(512 * expansion, classes);
        RegisterComponents();
        Initialize();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        x = nn.functional.relu(bn1.call(conv1.call(x)));
        if (maxpool is not null)
            x = maxpool.call(x);
        x = layer4.call(layer3.call(layer2.call(layer1.call(x))));      // (N, 512·expansion, h, w)
        return fc.call(x.mean([2, 3]));                                 // (N, K)
    }
}
