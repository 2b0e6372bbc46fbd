using Patchwork.Models;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>A network in some precision until disposed, and then in the one that it was in.</summary>
internal sealed class NetworkPrecision : IDisposable
{
    private readonly ImageClassifier? network;
    private readonly Precision before;

    /// <exception cref="InputException">The network is not ours and a precision other than float32 is wanted.</exception>
    public NetworkPrecision(nn.Module<Tensor, Tensor> model, Precision? wanted)
    {
        network = model as ImageClassifier;
        if (network is null && wanted == Precision.BFloat16)
            throw new InputException($"Training in bfloat16 needs a network of Patchwork's. Received: {model.GetName()}. "
                + "Leave `Precision` away, and open `Autocast.To` in its forward pass.");
        before = network?.Precision ?? Precision.Float32;
        Use(wanted ?? before);
    }

    /// <summary>Changes over.</summary>
    public void Use(Precision wanted)
    {
        if (network is not null)
            network.Precision = wanted;
    }

    public void Dispose() => Use(before);
}
