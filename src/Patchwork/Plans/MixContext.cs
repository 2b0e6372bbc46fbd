using Patchwork.Randomness;
using static TorchSharp.torch;

namespace Patchwork.Plans;

/// <summary>The information about a batch that a planner can use.</summary>
/// <param name="Count">Number of images in the batch, at least 1.</param>
/// <param name="Height">Height of the images in pixels.</param>
/// <param name="Width">Width of the images in pixels.</param>
/// <param name="Draws">The stream of the random draws.</param>
public sealed record MixContext(int Count, int Height, int Width, Draws Draws)
{
    /// <summary>The images (N, C, H, W), for planners whose <see cref="IPlanner.Needs"/> requires them; owned by the caller.</summary>
    public Tensor? Images { get; init; }

    /// <summary>
    /// Class ids (N) or distributions (N, K), for planners that need the network; owned by the caller.
    /// </summary>
    public Tensor? Labels { get; init; }

    /// <summary>
    /// The network in training, for planners that need it. They run it in evaluation mode and leave it unchanged.
    /// </summary>
    public nn.Module<Tensor, Tensor>? Model { get; init; }

    /// <summary>
    /// Returns the mask of the objects in the image at a row: H·W bytes, above 0 where an object is visible. Null when masks are not known.
    /// Used to weigh labels by objects.
    /// </summary>
    public Func<int, byte[]?>? ObjectMask { get; init; }

    /// <summary>The source of the masks, for mixers whose masks are learned. Null, the default: there is none.</summary>
    public IMaskSource? Masks { get; init; }

    /// <summary>
    /// Number of images of the batch of the step before, which an <see cref="IRecursiveMixer"/> mixes with; 0, the default, if there is
    /// none.
    /// </summary>
    public int Earlier { get; init; }

    /// <summary>Number of finished epochs of the training, including the fraction of the current one. Default 0.</summary>
    public double Epoch { get; init; }

    /// <summary>Creates the context of an existing batch of images (N, C, H, W).</summary>
    public static MixContext Of(Tensor images, Draws draws)
    {
        if (images.dim() != 4)
            throw new ArgumentException($"images must have four dimensions (N, C, H, W). Received: ({string.Join(", ", images.shape)}).");
        return new((int)images.size(0), (int)images.size(2), (int)images.size(3), draws) { Images = images };
    }

    /// <summary>Returns the images, for a method that needs them.</summary>
    /// <exception cref="InvalidOperationException">The context has no images.</exception>
    internal Tensor Pixels(string method) =>
        Images ?? throw new InvalidOperationException($"{method} needs the pixels of a batch to plan. Received: a context without images.");

    /// <summary>
    /// Returns images, class ids (N) and the network, for a method that needs them. Labels given as distributions are reduced to their most
    /// likely class.
    /// </summary>
    /// <exception cref="InvalidOperationException">One of them is missing.</exception>
    internal (Tensor Images, Tensor Classes, nn.Module<Tensor, Tensor> Model) Network(string method)
    {
        if (Model is null || Labels is null)
            throw new InvalidOperationException($"{method} needs a network and labels to plan. Received: a context without "
                + $"{(Model is null ? "a network" : "labels")}.");
        return (Pixels(method), Labels.dim() == 2 ? Labels.argmax(1) : Labels, Model);
    }
}

/// <summary>The inputs that planning needs.</summary>
public enum Needs
{
    /// <summary>Only sizes: the loader can plan ahead and mix while it assembles the batch.</summary>
    Nothing,

    /// <summary>The pixels of the batch.</summary>
    Images,

    /// <summary>Pixels, labels and the network in training.</summary>
    Model,
}

/// <summary>
/// Draws plans. <see cref="Plan"/> makes every random draw and changes no pixels; it is called on loader threads.
/// </summary>
public interface IPlanner
{
    /// <summary>The inputs that <see cref="Plan"/> needs.</summary>
    Needs Needs { get; }

    /// <summary>
    /// True when all regions of its plans are boxes of partners' pixels (<see cref="BoxRegion"/>), which a loader can paste while it
    /// assembles the batch.
    /// </summary>
    bool PlansBoxes { get; }

    /// <summary>Draws a plan for one batch from <see cref="MixContext.Draws"/>.</summary>
    MixPlan Plan(MixContext context);
}
