using Patchwork.Internals;
using Patchwork.Losses;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Saliency;

/// <summary>
/// The sensitivity of an image's loss to each pixel: √(mean over channels of (∂CE/∂x)²) (Simonyan et al., "Deep Inside Convolutional
/// Networks", 2014; in this form in PuzzleMix, Kim et al. 2020).
/// </summary>
public static class InputGradient
{
    /// <summary>
    /// Computes the maps (N, H, W) of a batch, with values of 0 or more, on the images' device; the caller owns the result.
    /// </summary>
    /// <param name="model">
    /// The network; it runs in evaluation mode, and its state is unchanged afterwards, including gradients and BatchNorm's statistics.
    /// </param>
    /// <param name="images">Images (N, C, H, W), floating.</param>
    /// <param name="labels">Class ids (N), or distributions (N, K) of the logits' data type.</param>
    public static Tensor Of(nn.Module<Tensor, Tensor> model, Tensor images, Tensor labels)
    {
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(model);
        using var gradients = enable_grad();
        var input = images.detach().requires_grad_();
        // Summed, not averaged, so that an image's gradient does not depend on the batch size. autograd.grad neither reads nor writes the
        // parameters' gradients.
        var loss = new CrossEntropy { Reduction = Reduction.Sum }.Evaluate(model.call(input), labels);
        var gradient = autograd.grad([loss], [input])[0];
        return gradient.square().mean([1]).sqrt().detach().MoveToOuterDisposeScope();
    }
}
