using Patchwork.Internals;
using Patchwork.Plans;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// Images as a <see cref="MaskNetwork"/> sees them: their features, from which masks are computed for any partners and λ. Created by
/// <see cref="MaskNetwork.See"/>; valid until the network or the images change.
/// </summary>
public sealed class SeenImages : IMaskSource, IDisposable
{
    private readonly MixBlock block;
    private readonly Tensor features;      // (N, C, h, w), without gradient

    internal SeenImages(MixBlock block, Tensor images, Tensor features) => (this.block, Images, this.features) = (block, images, features);

    /// <summary>The images (N, C, H, W), which are the caller's.</summary>
    public Tensor Images { get; }

    /// <inheritdoc/>
    /// <remarks>The masks have a gradient with respect to the block of the network unless gradients are off.</remarks>
    /// <exception cref="ArgumentException">The images are other ones.</exception>
    public Tensor Masks(Tensor images, IReadOnlyList<int> partners, IReadOnlyList<double> lambdas)
    {
        if (images.Handle != Images.Handle)
            throw new ArgumentException("The masks must be those of the images that were seen. Received: another tensor.", nameof(images));
        using var scope = NewDisposeScope();
        var weights = tensor([.. lambdas.Select(lambda => (float)lambda)], device: images.device).reshape(-1, 1, 1, 1);
        Tensor With(Tensor map, Tensor weight) => cat([map, weight.expand(-1, 1, map.size(2), map.size(3))], 1);
        var ofPartners = features.index_select(0, RowIndex.Of(partners, images.device));
        var small = block.call(With(features, weights), With(ofPartners, OneMinus(weights)));
        var large = nn.functional.interpolate(small, [images.size(2), images.size(3)], mode: InterpolationMode.Bilinear,
            align_corners: false);
        return OneMinus(large.sigmoid()).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the features.</summary>
    public void Dispose() => features.Dispose();
}
