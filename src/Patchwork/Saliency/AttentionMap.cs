using Patchwork.Internals;
using Patchwork.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Saliency;

/// <summary>
/// How much a transformer attends to each patch of an image (<see cref="IAttentive"/>): the attention of the class token in the last block,
/// averaged over the heads (Caron et al., ICCV 2021, show such maps; TransMix weighs labels by them). It does not depend on a class.
/// </summary>
public static class AttentionMap
{
    /// <summary>Computes the maps (N, h, w) at the size of the patches' grid, 0 or more; the caller owns the result.</summary>
    /// <param name="model">The network; it runs in evaluation mode and is left unchanged.</param>
    /// <param name="images">Images (N, C, H, W), floating.</param>
    /// <exception cref="ArgumentException">The network has no attention.</exception>
    public static Tensor AtPatches(nn.Module<Tensor, Tensor> model, Tensor images)
    {
        using var watch = new AttentionWatch(model);
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(model);
        using var noGradient = no_grad();
        model.call(images);
        return watch.Latest!.alias().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Computes maps (N, H, W) for display, with values in [0, 1]: resized bilinearly to the images' size, then the minimum of each is
    /// subtracted and the result divided by its maximum. A constant map becomes all 0.
    /// </summary>
    /// <inheritdoc cref="AtPatches"/>
    public static Tensor Scaled(nn.Module<Tensor, Tensor> model, Tensor images)
    {
        using var scope = NewDisposeScope();
        return ClassActivation.ForDisplay(AtPatches(model, images), images.size(2), images.size(3)).MoveToOuterDisposeScope();
    }
}

/// <summary>Keeps the attention of a network's latest forward pass, in training too, until it is disposed.</summary>
public sealed class AttentionWatch : IDisposable
{
    private readonly IAttentive network;
    private readonly Action<Tensor>? before;

    /// <summary>Begins to watch a network. An earlier watch sees nothing until this one is disposed, and then continues.</summary>
    /// <exception cref="ArgumentException">The network has no attention.</exception>
    public AttentionWatch(nn.Module<Tensor, Tensor> model)
    {
        network = model as IAttentive ?? throw new ArgumentException($"The network must attend to parts of an image, as "
            + $"{string.Join(", ", ModelZoo.Ids.Where(ModelZoo.IsTransformer))} do. Received: {model.GetName()}.");
        before = network.Attended;
        network.Attended = Keep;
    }

    /// <summary>The attention (N, h, w) of the latest forward pass, owned by the watch; null before the first.</summary>
    public Tensor? Latest { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        network.Attended = before;
        Forget();
    }

    /// <summary>Frees the latest attention, so that it cannot be taken for that of a later forward pass.</summary>
    internal void Forget()
    {
        Latest?.Dispose();
        Latest = null;
    }

    private void Keep(Tensor attention)
    {
        Forget();
        Latest = attention;
    }
}
