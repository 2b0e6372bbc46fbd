using Patchwork.Internals;
using Patchwork.Losses;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Saliency;

/// <summary>
/// What the loss of an image is sensitive to: √(mean over channels of (∂CE/∂x)²), a number for every pixel (Simonyan et al., "Deep
/// Inside Convolutional
/// Networks", 2014; in this form PuzzleMix, Kim et al. 2020).
/// </summary>
public static class InputGradient
{
    /// <summary>The maps (N, H, W) of a batch, owned by the caller, on the images' device; 0 or more.</summary>
    /// <param name="model">The network; run in evaluation mode and left as it was, gradients and BatchNorm's statistics included.</param>
    /// <param name="images">Images (N, C, H, W), floating.</param>
    /// <param name="labels">Class ids (N), or distributions (N, K) of the logits' type.</param>
    public static Tensor Of(nn.Module<Tensor, Tensor> model, Tensor images, Tensor labels)
    {
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(model);
        using var gradients = enable_grad();
        var input = images.detach().requires_grad_();
        // Summed, not averaged: then an image's gradient does not depend on how many others there are. By autograd.grad: the parameters'
        // own gradients are neither read nor written.
        var loss = new CrossEntropy { Reduction = Reduction.Sum }.Evaluate(model.call(input), labels);
        var gradient = autograd.grad([loss], [input])[0];
        return gradient.square().mean([1]).sqrt().detach().MoveToOuterDisposeScope();
    }
}
