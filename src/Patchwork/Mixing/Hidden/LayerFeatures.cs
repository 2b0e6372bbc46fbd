using Patchwork.Internals;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>Captures the output of a layer of a network.</summary>
internal static class LayerFeatures
{
    /// <summary>
    /// The output of a layer for images (N, C, H, W), in evaluation mode and without gradient; for <see cref="FeatureMixer.Input"/>, the
    /// images themselves. The network is left unchanged; the caller owns the result.
    /// </summary>
    /// <exception cref="InputException">The network has no layer of that name, or does not run it.</exception>
    public static Tensor Of(nn.Module<Tensor, Tensor> model, Tensor images, string layer)
    {
        if (layer == FeatureMixer.Input)
            return images.alias();
        var module = model.named_modules().FirstOrDefault(module => module.name == layer).module as nn.Module<Tensor, Tensor>
            ?? throw new InputException($"The network must have the layer {layer}. Received: {model.GetName()}, which has "
                + $"{string.Join(", ", model.named_children().Select(child => child.name))}.");
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(model);
        using var noGradient = no_grad();
        Tensor? features = null;
        var hook = module.register_forward_hook((_, _, output) =>
        {
            features = output.alias().DetachFromDisposeScope();      // the network may dispose its own handle after the layer
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
            ?? throw new InputException($"The layer {layer} must be run in the forward pass of the network. Received: {model.GetName()}, "
            + "which does not run it.");
    }
}

/// <summary>
/// A network of one layer that returns its input, to apply a feature mixer to given features without the rest of a network.
/// </summary>
internal sealed class LayerCarrier : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module<Tensor, Tensor> layer = nn.Identity();

    /// <param name="name">Name of the layer; not used for the input.</param>
    public LayerCarrier(string name) : base("carrier") => register_module(name == FeatureMixer.Input ? "none" : NameOf(name), layer);

    /// <summary>The name of the layer in this network, without dots, because a dot would denote a nested layer.</summary>
    public static string NameOf(string layer) => layer.Replace('.', '_');

    public override Tensor forward(Tensor input) => layer.call(input);
}
