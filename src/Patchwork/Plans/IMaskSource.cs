using static TorchSharp.torch;

namespace Patchwork.Plans;

/// <summary>Computes the masks with which images are mixed, for a mixer whose masks are learned.</summary>
public interface IMaskSource
{
    /// <summary>Computes M, the weight of the image itself at each pixel, 0 to 1: (N, 1, H, W), which the caller owns.</summary>
    /// <param name="images">Images (N, C, H, W).</param>
    /// <param name="partners">Row of each image's partner.</param>
    /// <param name="lambdas">λ of each image, which the mean of its M should be near.</param>
    Tensor Masks(Tensor images, IReadOnlyList<int> partners, IReadOnlyList<double> lambdas);
}
