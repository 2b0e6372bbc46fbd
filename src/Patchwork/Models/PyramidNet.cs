using Patchwork.Formats;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// Deep pyramidal residual networks for small images (Han, Kim, Kim 2017, "Deep Pyramidal Residual Networks", equation 2, additive):
/// starting from 16 channels, every block adds α/L, so the width grows in each of the L blocks and not only at the start of a stage. Depth
/// 6n+2 with basic blocks, 9n+2 with bottlenecks. Parameter names are those of the CutMix authors' code.
/// </summary>
public sealed class PyramidNet : ImageClassifier
{
    private const int Stem = 16;

    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1, bn_final;
    private readonly Sequential layer1, layer2, layer3;
    private readonly Linear fc;

    internal PyramidNet(ModelRequest request, int depth, double alpha, bool bottleneck) : base(request)
    {
        var blocks = (depth - 2) / (bottleneck ? 9 : 6);
        var widths = Widths(3 * blocks, alpha);
        var expansion = bottleneck ? PyramidBottleneck.Expansion : 1;
        var stages = new Stages(request.Options, blocks, blocks, blocks);
        Sequential Stage(int stage) => stages.Build(stage, (i, interior) =>
        {
            var (l, stride) = (interior.Place.Block, i == 0 && stage > 1 ? 2 : 1);
            var (input, width) = (l == 1 ? Stem : widths[l - 2] * expansion, widths[l - 1]);
            return bottleneck ? new PyramidBottleneck(input, width, stride, interior)
                : new PyramidBasicBlock(input, width, stride, interior);
        });
        conv1 = Layers.Conv3x3(request.Channels, Stem);
        bn1 = nn.BatchNorm2d(Stem);
        layer1 = Stage(1);
        layer2 = Stage(2);
        layer3 = Stage(3);
        bn_final = nn.BatchNorm2d(widths[^1] * expansion);
        fc = nn.Linear(widths[^1] * expansion, request.Classes);
        RegisterComponents();
        Initialize();
    }

    private protected override bool IsBehindStages(string parameter) => parameter.StartsWith(nameof(bn_final), StringComparison.Ordinal);

    /// <inheritdoc/>
    public override IReadOnlyList<string> StageNames => [nameof(layer1), nameof(layer2), nameof(layer3)];

    /// <inheritdoc/>
    public override OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        x = graph.Through(bn1, graph.Through(conv1, x));
        x = graph.Through(layer3, graph.Through(layer2, graph.Through(layer1, x)));
        return graph.Through(fc, graph.Mean(graph.Relu(graph.Through(bn_final, x))));
    }

    private protected override Tensor Logits(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = bn1.call(conv1.call(x));                                   // (N, 16, H, W), no ReLU
        x = layer3.call(layer2.call(layer1.call(x)));                  // (N, 16 + α, H/4, W/4), four times as wide with bottlenecks
        x = nn.functional.relu(bn_final.call(x));
        return fc.call(Pooled(x)).MoveToOuterDisposeScope();      // (N, K)
    }

    // The exact width grows by α/L per block; rounding errors do not accumulate.
    // Differs from the paper: equation 2 truncates instead of rounding. Checkpoints of the CutMix authors' code have rounded widths.
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
