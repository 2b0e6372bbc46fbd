using TorchSharp;
using TorchSharp.Modules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// The block that computes AutoMix's masks (section 3.2 of its paper): attention from each position of the image to all positions of its
/// partner, <c>P = softmax(q·kᵀ/√d)</c>, weighs one value per position of the partner; the mask of the partner is the sigmoid of the
/// result, enlarged to the image. λ is one more channel of both features.
/// </summary>
internal sealed class MixBlock : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly Conv2d query, key, value;
    private readonly int size;

    /// <param name="channels">Channels of the features.</param>
    public MixBlock(long channels) : base(nameof(MixBlock))
    {
        size = (int)Math.Max(1, channels / 2);
        query = nn.Conv2d(channels + 1, size, 1);
        key = nn.Conv2d(channels + 1, size, 1);
        value = nn.Conv2d(channels + 1, 1, 1);
        RegisterComponents();
    }

    /// <summary>Computes what the partner's mask is the sigmoid of, (N, 1, h, w).</summary>
    /// <param name="own">Features of the images and λ, (N, C + 1, h, w).</param>
    /// <param name="partner">Features of their partners and 1-λ.</param>
    public override Tensor forward(Tensor own, Tensor partner)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (own.size(2), own.size(3));
        var (q, k, v) = (query.call(own).flatten(2), key.call(partner).flatten(2), value.call(partner).flatten(2));      // (N, ·, h·w)
        var attention = (q.transpose(1, 2).matmul(k) * Held(1 / Math.Sqrt(size))).softmax(-1);                          // (N, h·w, h·w)
        return attention.matmul(v.transpose(1, 2)).transpose(1, 2).reshape(-1, 1, height, width).MoveToOuterDisposeScope();
    }
}
