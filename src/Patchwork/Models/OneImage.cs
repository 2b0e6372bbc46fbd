using Patchwork.Internals;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// Observes the inputs and outputs of a network's layers for one image, to determine sizes without computing them by hand.
/// </summary>
internal static class OneImage
{
    /// <summary>
    /// Runs a forward pass for one image in evaluation mode, without gradients; the network's mode is restored.
    /// </summary>
    /// <param name="model">A network that maps images (N, C, H, W) to logits.</param>
    /// <param name="channels">C.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="layers">Selects the layers to observe; evaluated before the mode changes.</param>
    /// <param name="see">Called for each of these layers that runs, with its input and its output.</param>
    public static void Through(nn.Module<Tensor, Tensor> model, int channels, int height, int width,
        Func<nn.Module<Tensor, Tensor>, bool> layers, Action<nn.Module<Tensor, Tensor>, Tensor, Tensor> see)
    {
        var watched = model.modules().OfType<nn.Module<Tensor, Tensor>>().Where(layers).ToArray();
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(model);
        using var noGradient = no_grad();
        var hooks = watched.Select(module => module.register_forward_hook((_, input, output) =>
        {
            see(module, input, output);
            return output;
        })).ToList();
        try
        {
            model.call(zeros(1, channels, height, width, device: model.parameters().First().device));
        }
        finally
        {
            foreach (var hook in hooks)
                hook.remove();
        }
    }
}
