using Patchwork.Internals;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Saliency;

/// <summary>
/// Grad-CAM (Selvaraju et al., ICCV 2017): what a layer's features add to a class, <c>Σ_k a_k·f_k</c> with a_k the mean over places of
/// ∂(logit of the class)/∂f_k. For any network and layer; behind the last features of one that ends in global average pooling and a
/// linear layer it is the class activation map divided by its places.
/// </summary>
public static class GradCam
{
    /// <summary>
    /// The maps (N, H, W), values in [0, 1], brought to the images' size; owned by the caller. A map without positive values is all 0.
    /// </summary>
    /// <param name="model">The network; run in evaluation mode and left as it was, gradients and BatchNorm's statistics included.</param>
    /// <param name="images">Images (N, C, H, W), floating.</param>
    /// <param name="classes">A class id for each image, (N), int64.</param>
    /// <param name="layer">Name of the layer whose output (N, D, h, w) is looked at, as <c>layer3</c> or <c>layer3.0.conv1</c>.</param>
    /// <exception cref="InputException">The network has no layer of that name.</exception>
    /// <exception cref="ArgumentException">The layer puts out no map.</exception>
    public static Tensor Of(nn.Module<Tensor, Tensor> model, Tensor images, Tensor classes, string layer)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        // As the public code (pytorch-grad-cam): scaled at the features' size and again after enlarging, which takes the peaks' height.
        var small = Scaled(nn.functional.relu(AtFeatures(model, images, classes, layer)));
        return Scaled(ClassActivation.Enlarge(small, images.size(2), images.size(3))).MoveToOuterDisposeScope();
    }

    /// <summary>The maps (N, h, w) at the size of the features, before ReLU and scaling.</summary>
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
            // A step of the graph that stays ours; the network goes on with a second handle, which it may free.
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
            throw new ArgumentException($"Grad-CAM needs a layer that puts out maps (N, D, h, w). Received: {layer}, which puts out "
                + $"{(features is null ? "nothing" : $"{features.dim()} dimensions")}.");
        var score = logits.gather(1, classes.unsqueeze(1)).sum();
        var type = features.dtype.Wide();
        var weights = autograd.grad([score], [features])[0].to(type).mean([2, 3], keepdim: true);      // (N, D, 1, 1)
        return (weights * features.to(type)).sum(1).detach().MoveToOuterDisposeScope();
    }

    // Minimum to 0 and maximum to 1, of each map; least is added to what is divided by, 1e-7 in the public code.
    internal static Tensor Scaled(Tensor maps, double least = 1e-7)
    {
        using var scope = NewDisposeScope();
        var lifted = maps - maps.amin([1, 2], keepdim: true);
        return (lifted / lifted.amax([1, 2], keepdim: true).Plus(least)).MoveToOuterDisposeScope();
    }
}
