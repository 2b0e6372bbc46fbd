using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// Determines how many images BatchNorm needs. A single value per channel has no variance: the last stage of a deep network on small images
/// can have one position per image, and then a batch of one image would put NaN into the running statistics.
/// </summary>
internal static class NormalizedValues
{
    /// <summary>
    /// The minimum number of images in a training batch: 2 if a layer normalizes a single value per channel and image, otherwise 1.
    /// </summary>
    /// <param name="model">A network that maps images (N, C, H, W) to logits, configured as for training; left in training mode.</param>
    /// <param name="channels">C.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    public static int LeastBatch(nn.Module<Tensor, Tensor> model, int channels, int height, int width)
    {
        model.train();      // a frozen network stays in evaluation mode, where BatchNorm uses running statistics
        var least = 1;
        OneImage.Through(model, channels, height, width, layer =>
            layer.training && layer is BatchNorm1d or BatchNorm2d or BatchNorm3d,
            (_, input, _) => least = input.numel() == input.size(1) ? 2 : least);
        return least;
    }
}
