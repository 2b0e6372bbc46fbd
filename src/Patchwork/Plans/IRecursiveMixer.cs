using static TorchSharp.torch;

namespace Patchwork.Plans;

/// <summary>
/// A mixer whose partners are the images of the step before, as mixed then. The training loop keeps an <see cref="EarlierBatch"/> for it,
/// which is a part of checkpoints. It needs whole batches: no gradient accumulation, no clean half, one rank.
/// </summary>
public interface IRecursiveMixer : IMethod
{
    /// <summary>Weight of <see cref="Consistency"/> in the loss; 0: it is not computed.</summary>
    double ConsistencyWeight { get; }

    /// <summary>
    /// Computes the loss that is added for each image, (N): how much the answer for the pasted part of the image differs from the answer
    /// of the step before, multiplied by <see cref="ConsistencyWeight"/>. The caller owns the result.
    /// </summary>
    /// <param name="features">The last feature map of the mixed images, (N, D, h, w).</param>
    /// <param name="head">The last linear layer.</param>
    /// <param name="plan">The plan of the mixed images.</param>
    /// <param name="earlier">The batch of the step before.</param>
    Tensor Consistency(Tensor features, nn.Module<Tensor, Tensor> head, MixPlan plan, EarlierBatch earlier);
}
