using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>A network that pools its features by attention, and so says how much its answer rests on each part of an image.</summary>
public interface IAttentive
{
    /// <summary>
    /// Receives, in every forward pass, how much the pooled features attend to each patch of each image: (N, h, w), 0 or more, without
    /// gradient, owned by the receiver. In a vision transformer it is the attention of the class token in the last block, averaged over
    /// the heads; a row sums to less than 1, because the class token also attends to itself. In a compact transformer it is the weights
    /// with which the tokens are averaged. Null, the default: nothing is computed.
    /// </summary>
    Action<Tensor>? Attended { get; set; }
}
