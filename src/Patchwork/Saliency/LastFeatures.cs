using Patchwork.Internals;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Saliency;

/// <summary>
/// The last feature map before a network's classifier: the one whose mean over positions is the classifier's input. The classifier is the
/// last linear layer. The map is the last output (N, D, h, w) of a layer before it, where D is the width of the classifier's input; an
/// output larger than one pixel is preferred. ReLU is applied to it if the network does so (a preactivation ResNet does not: it pools its
/// last sum unchanged).
/// </summary>
/// <param name="Features">The map (N, D, h, w), without gradient history.</param>
/// <param name="Input">The classifier's input, (N, D).</param>
/// <param name="Classifier">The linear layer; the network owns it.</param>
internal sealed record LastFeatures(Tensor Features, Tensor Input, Linear Classifier)
{
    /// <summary>Runs a network on images (N, C, H, W) in evaluation mode, without gradients, and restores its state.</summary>
    /// <exception cref="ArgumentException">The network has no linear layer that follows global average pooling.</exception>
    public static LastFeatures Of(nn.Module<Tensor, Tensor> model, Tensor images)
    {
        var classifier = model.modules().OfType<Linear>().LastOrDefault()
            ?? throw new ArgumentException($"The network must end in a linear layer. Received: {model.GetName()}, which has none.");
        var width = classifier.weight!.size(1);
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(model);
        using var noGradient = no_grad();
        Tensor? large = null, small = null, input = null;      // the last map larger than one pixel, the last map of one pixel
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
            throw new ArgumentException($"The network must have a map of {width} channels before its last linear layer. Received: "
                + $"{model.GetName()}.");
        var last = large ?? small!;
        var features = new[] { nn.functional.relu(last), last }.FirstOrDefault(map => map.mean([2, 3]).allclose(input, 1e-3, 1e-4))
            ?? throw new ArgumentException("The last linear layer must follow global average pooling of the last features. "
                + $"Received: {model.GetName()}, where it does not.");
        return new LastFeatures(features.MoveToOuterDisposeScope(), input.MoveToOuterDisposeScope(), classifier);
    }

    // Keep a second handle on the same data in our own scope: the network may free its own when the layer is done.
    private static void Keep(DisposeScope scope, ref Tensor? kept, Tensor output)
    {
        kept?.Dispose();
        kept = output.alias().DetachFromDisposeScope();
        scope.Attach(kept);
    }
}
