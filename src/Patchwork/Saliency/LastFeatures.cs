using Patchwork.Internals;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Saliency;

/// <summary>
/// The last map of features before a network's classifier, that whose mean over the places the classifier was given. The classifier is the
/// last linear layer; the map is the last output (N, D, h, w) of a layer before it, D being what the classifier takes, rectified where the
/// network rectifies it (a preactivation ResNet pools its last sum as it is), and the last one larger than a pixel where there is one.
/// </summary>
/// <param name="Features">The map (N, D, h, w), without history.</param>
/// <param name="Input">What the classifier was given, (N, D).</param>
/// <param name="Classifier">The linear layer; it belongs to the network.</param>
internal sealed record LastFeatures(Tensor Features, Tensor Input, Linear Classifier)
{
    /// <summary>Runs a network on images (N, C, H, W) in evaluation mode, without gradients, and leaves it as it was.</summary>
    /// <exception cref="ArgumentException">The network has no linear layer behind global average pooling.</exception>
    public static LastFeatures Of(nn.Module<Tensor, Tensor> model, Tensor images)
    {
        var classifier = model.modules().OfType<Linear>().LastOrDefault()
            ?? throw new ArgumentException($"The network must end in a linear layer. Received: {model.GetName()}, which has none.");
        var width = classifier.weight!.size(1);
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(model);
        using var noGradient = no_grad();
        Tensor? large = null, small = null, input = null;      // the last map of several places, the last one of one
        var hooks = model.modules().OfType<nn.Module<Tensor, Tensor>>().Where(module => module != classifier)
            .Select(module => module.register_forward_hook((_, _, output) =>
            {
                if (input is not null || output.dim() != 4 || output.size(1) != width)
                    return output;
                if (output.size(2) * output.size(3) > 1)
                    Keep(scope, ref large, output);
                else
                    Keep(scope, ref small, output);
                return output;
            })).ToList();
        hooks.Add(classifier.register_forward_pre_hook((_, given) =>
        {
            Keep(scope, ref input, given);
            return given;
        }));
        try
        {
            model.call(images);
        }
        finally
        {
            foreach (var hook in hooks)
                hook.remove();
        }
        if (input?.dim() != 2 || (large ?? small) is null)
            throw new ArgumentException($"The network must have a map of {width} channels in front of its last linear layer. Received: "
                + $"{model.GetName()}.");
        var last = large ?? small!;
        var features = new[] { nn.functional.relu(last), last }.FirstOrDefault(map => map.mean([2, 3]).allclose(input, 1e-3, 1e-4))
            ?? throw new ArgumentException("The last linear layer must stand behind global average pooling of the last features. "
                + $"Received: {model.GetName()}, where it does not.");
        return new LastFeatures(features.MoveToOuterDisposeScope(), input.MoveToOuterDisposeScope(), classifier);
    }

    // A second handle on the same numbers, in a scope of ours: the network may free its own when its layer is done.
    private static void Keep(DisposeScope scope, ref Tensor? kept, Tensor output)
    {
        kept?.Dispose();
        kept = output.alias().DetachFromDisposeScope();
        scope.Attach(kept);
    }
}
