using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>Counts the multiply-adds in the convolutions and linear layers of a network.</summary>
internal static class MultiplyAdds
{
    /// <summary>Counts the multiply-adds of a forward pass for one image by running it; the network is left unchanged.</summary>
    /// <param name="model">A network that maps images (N, C, H, W) to logits.</param>
    /// <param name="channels">C.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    public static long Of(nn.Module<Tensor, Tensor> model, int channels, int height, int width)
    {
        var sum = 0L;
        // Every output of a layer is a sum over one filter or one row of the weights.
        void Add(Tensor output, Tensor weight) => sum += output.numel() * (weight.numel() / weight.size(0));
        OneImage.Through(model, channels, height, width, layer => layer is Conv2d or Linear, (layer, _, output) =>
            Add(output, layer is Conv2d convolution ? convolution.weight! : ((Linear)layer).weight!));
        return sum;
    }
}
