using Patchwork.Internals;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Saliency;

/// <summary>
/// Grad-CAM (Selvaraju et al., ICCV 2017): how much a layer's features contribute to a class, <c>Σ_k a_k·f_k</c>, where a_k is the mean
/// over positions of ∂(logit of the class)/∂f_k. It works for any network and layer. For the last features of a network that ends in global
/// average pooling and a linear layer, it is the class activation map divided by the number of positions.
/// </summary>
public static class GradCam
{
    /// <summary>
    /// Computes the maps (N, H, W), with values in [0, 1], resized to the images' size; the caller owns the result. A map without positive
    /// values is all 0.
    /// </summary>
    /// <param name="model">
    /// The network; it runs in evaluation mode, and its state is unchanged afterwards, including gradients and BatchNorm's statistics.
    /// </param>
    /// <param name="images">Images (N, C, H, W), floating.</param>
    /// <param name="classes">One class id per image, (N), int64.</param>
    /// <param name="layer">
    /// Name of the layer whose output (N, D, h, w) is explained, such as <c>layer3</c> or <c>layer3.0.conv1</c>.
    /// </param>
    /// <exception cref="InputException">The network has no layer of that name.</exception>
    /// <exception cref="ArgumentException">The layer's output is not a map (N, D, h, w).</exception>
    public static Tensor Of(nn.Module<Tensor, Tensor> model, Tensor images, Tensor classes, string layer)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        // As in the public code (pytorch-grad-cam): scaled at the features' size and again after enlarging, which lowers the peaks.
        var small = Scaled(nn.functional.relu(AtFeatures(model, images, classes, layer)));
        return Scaled(ClassActivation.Enlarge(small, images.size(2), images.size(3))).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the maps (N, h, w) at the size of the features, before ReLU and scaling.</summary>
    /// <inheritdoc cref="Of"/>
    public static Tensor AtFeatures(nn.Module<Tensor, Tensor> model, Tensor images, Tensor classes, string layer)
    {
        var module = model.named_modules().FirstOrDefault(named => named.name == layer).module as nn.Module<Tensor, Tensor>
            ?? throw InputException.Unknown("layer", layer,
                [.. model.named_modules().Select(named => named.name).Where(name => name.Length > 0)]);
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(model);
        using var gradients = enable_grad();
        Tensor? features = null;
        var hook = module.register_forward_hook((_, _, output) =>
        {
            features?.Dispose();
            // Keep our own handle on this step of the graph; the network continues with a second handle, which it may free.
            features = output.alias().DetachFromDisposeScope();
            scope.Attach(features);
            return features.alias();
        });
        Tensor logits;
        try
        {
            logits = model.call(images.detach().requires_grad_());
        }
        finally
        {
            hook.remove();
        }
        if (features is null || features.dim() != 4)
            throw new ArgumentException($"Grad-CAM needs a layer that outputs maps (N, D, h, w). Received: {layer}, which outputs "
                + $"{(features is null ? "nothing" : $"a tensor of {features.dim()} dimensions")}.");
        var score = logits.gather(1, classes.unsqueeze(1)).sum();
        var type = features.dtype.Wide();
        var weights = autograd.grad([score], [features])[0].to(type).mean([2, 3], keepdim: true);      // (N, D, 1, 1)
        return (weights * features.to(type)).sum(1).detach().MoveToOuterDisposeScope();
    }

    // Scales each map to a minimum of 0 and a maximum of 1; least is added to the divisor, 1e-7 in the public code.
    internal static Tensor Scaled(Tensor maps, double least = 1e-7)
    {
        using var scope = NewDisposeScope();
        var lifted = maps - maps.amin([1, 2], keepdim: true);
        return (lifted / lifted.amax([1, 2], keepdim: true).Plus(least)).MoveToOuterDisposeScope();
    }
}
