using Patchwork.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// A network over pixels in [0, 1], the normalization inside. Attacks, occlusions and noise are measured in pixels, so that an ε of 8/255
/// is eight grey levels for every network.
/// </summary>
public sealed class PixelModel : IDisposable
{
    private readonly nn.Module<Tensor, Tensor> network;
    private readonly Tensor mean, deviation;

    /// <summary>A network that is used in evaluation mode and stays its owner's.</summary>
    /// <param name="network">From normalized images (N, C, H, W) to logits (N, K).</param>
    /// <param name="normalization">Mean and deviation a channel, in [0, 1].</param>
    public PixelModel(nn.Module<Tensor, Tensor> network, Normalization normalization)
    {
        this.network = network;
        Normalization = normalization;
        var device = network.parameters().FirstOrDefault()?.device ?? CPU;
        mean = Planes(normalization.Mean, device);
        deviation = Planes(normalization.StandardDeviation, device);
    }

    /// <summary>What pixels are normalized with.</summary>
    public Normalization Normalization { get; }

    /// <summary>Logits (N, K) of pixels (N, C, H, W) in [0, 1], differentiable; owned by the caller.</summary>
    public Tensor Logits(Tensor pixels)
    {
        network.eval();
        using var normalized = Normalized(pixels);
        return network.call(normalized);
    }

    /// <summary>What the network is given for pixels (N, C, H, W) in [0, 1]; owned by the caller.</summary>
    public Tensor Normalized(Tensor pixels)
    {
        using var centred = pixels - mean;
        return centred / deviation;
    }

    /// <summary>
    /// Gradient (N, C, H, W) of a sum over images with respect to the pixels; the network's own gradients are neither read nor written.
    /// </summary>
    /// <param name="pixels">Pixels (N, C, H, W).</param>
    /// <param name="objective">From logits (N, K) to one number.</param>
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

    /// <summary>Frees what belongs to this wrapper, not the network.</summary>
    public void Dispose()
    {
        mean.Dispose();
        deviation.Dispose();
    }
}
