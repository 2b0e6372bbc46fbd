using Patchwork.Models;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>Sets the precision of a network until disposed, then restores the previous one.</summary>
internal sealed class NetworkPrecision : IDisposable
{
    private readonly ImageClassifier? network;
    private readonly Precision before;

    /// <exception cref="InputException">The network is not an <see cref="ImageClassifier"/>, and bfloat16 is requested.</exception>
    public NetworkPrecision(nn.Module<Tensor, Tensor> model, Precision? wanted)
    {
        network = model as ImageClassifier;
        if (network is null && wanted == Precision.BFloat16)
            throw new InputException($"Training in bfloat16 needs one of Patchwork's networks. Received: {model.GetName()}. Omit "
                + "`Precision`, and open `Autocast.To` in its forward pass.");
        before = network?.Precision ?? Precision.Float32;
        Use(wanted ?? before);
    }

    /// <summary>Switches to a precision.</summary>
    public void Use(Precision wanted)
    {
        if (network is not null)
            network.Precision = wanted;
    }

    public void Dispose() => Use(before);
}
