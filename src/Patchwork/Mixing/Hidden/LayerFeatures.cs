using Patchwork.Internals;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>What a layer of a network puts out.</summary>
internal static class LayerFeatures
{
    /// <summary>
    /// The output of a layer for images (N, C, H, W), in evaluation mode and without history; the images themselves for
    /// <see cref="FeatureMixer.Input"/>. The network is
    /// left as it was; the result belongs to the caller.
    /// </summary>
    /// <exception cref="InputException">The network has no layer of that name, or does not run it.</exception>
    public static Tensor Of(nn.Module<Tensor, Tensor> model, Tensor images, string layer)
    {
        if (layer == FeatureMixer.Input)
            return images.alias();
        var module = model.named_modules().FirstOrDefault(module => module.name == layer).module as nn.Module<Tensor, Tensor>
            ?? throw new InputException($"The network must have the layer {layer}. Received: {model.GetName()}; it has "
                + $"{string.Join(", ", model.named_children().Select(child => child.name))}.");
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(model);
        using var noGradient = no_grad();
        Tensor? features = null;
        var hook = module.register_forward_hook((_, _, output) =>
        {
            features = output.alias().DetachFromDisposeScope();      // the network may free its own when its layer is done
            scope.Attach(features);
            return output;
        });
        try
        {
            model.call(images);
        }
        finally
        {
            hook.remove();
        }
        return features?.MoveToOuterDisposeScope()
            ?? throw new InputException($"The layer {layer} must be run by the network. Received: {model.GetName()}, whose forward pass "
            + "leaves it out.");
    }
}

/// <summary>
/// A network of one layer that hands on what it is given: for what a method does to features, without the rest of a network.
/// </summary>
internal sealed class LayerCarrier : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module<Tensor, Tensor> layer = nn.Identity();

    /// <param name="name">Name of the layer; for the input it is not needed.</param>
    public LayerCarrier(string name) : base("carrier") => register_module(name == FeatureMixer.Input ? "none" : NameOf(name), layer);

    /// <summary>The name that the layer has here, where a dot would mean a layer within a layer.</summary>
    public static string NameOf(string layer) => layer.Replace('.', '_');

    public override Tensor forward(Tensor input) => layer.call(input);
}
