using Patchwork.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// A network that accepts pixels in [0, 1] and normalizes them itself. Attacks, occlusions and noise are defined in pixels, so that an ε of
/// 8/255 is eight grey levels for every network.
/// </summary>
public sealed class PixelModel : IDisposable
{
    private readonly nn.Module<Tensor, Tensor> network;
    private readonly Tensor mean, deviation;

    /// <summary>Wraps a network, which is used in evaluation mode; the caller still owns it.</summary>
    /// <param name="network">The network, from normalized images (N, C, H, W) to logits (N, K).</param>
    /// <param name="normalization">Mean and standard deviation per channel, in [0, 1].</param>
    public PixelModel(nn.Module<Tensor, Tensor> network, Normalization normalization)
    {
        this.network = network;
        Normalization = normalization;
        var device = network.parameters().FirstOrDefault()?.device ?? CPU;
        mean = Planes(normalization.Mean, device);
        deviation = Planes(normalization.StandardDeviation, device);
    }

    /// <summary>The normalization that is applied to pixels.</summary>
    public Normalization Normalization { get; }

    /// <summary>Computes the logits (N, K) of pixels (N, C, H, W) in [0, 1], differentiably; the caller owns the result.</summary>
    public Tensor Logits(Tensor pixels)
    {
        network.eval();
        using var normalized = Normalized(pixels);
        return network.call(normalized);
    }

    /// <summary>Computes the network's input for pixels (N, C, H, W) in [0, 1]; the caller owns the result.</summary>
    public Tensor Normalized(Tensor pixels)
    {
        using var centred = pixels - mean;
        return centred / deviation;
    }

    /// <summary>
    /// Computes the gradient (N, C, H, W) of a sum over images with respect to the pixels; the gradients of the network's parameters are
    /// neither read nor written.
    /// </summary>
    /// <param name="pixels">Pixels (N, C, H, W).</param>
    /// <param name="objective">Computes one number from logits (N, K).</param>
    public Tensor Gradient(Tensor pixels, Func<Tensor, Tensor> objective)
    {
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        var input = pixels.detach().requires_grad_();
        return autograd.grad([objective(Logits(input))], [input])[0].detach().MoveToOuterDisposeScope();
    }

    private static Tensor Planes(IReadOnlyList<float> values, Device device)
    {
        using var scope = NewDisposeScope();
        return tensor(values.ToArray()).reshape(1, -1, 1, 1).to(device).DetachFromDisposeScope();
    }

    /// <summary>Frees the tensors of this wrapper, not the network.</summary>
    public void Dispose()
    {
        mean.Dispose();
        deviation.Dispose();
    }
}
