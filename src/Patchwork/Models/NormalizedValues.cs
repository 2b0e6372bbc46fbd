using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// How many images BatchNorm needs. One value a channel has no variance: the last stage of a deep network on small images has one place an
/// image, and there a batch of one would leave NaN in the running statistics.
/// </summary>
internal static class NormalizedValues
{
    /// <summary>The fewest images of a training batch: 2 where a layer normalizes a single value a channel and image, else 1.</summary>
    /// <param name="model">A network from images (N, C, H, W) to logits, as it is trained; left in training mode.</param>
    /// <param name="channels">C.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    public static int LeastBatch(nn.Module<Tensor, Tensor> model, int channels, int height, int width)
    {
        model.train();      // a frozen network stays in evaluation, where nothing is measured
        var least = 1;
        OneImage.Through(model, channels, height, width, layer =>
            layer.training && layer is BatchNorm1d or BatchNorm2d or BatchNorm3d,
            (_, input, _) => least = input.numel() == input.size(1) ? 2 : least);
        return least;
    }
}
