using Patchwork.Randomness;
using static TorchSharp.torch;

namespace Patchwork.Plans;

/// <summary>What a planner may see of the batch that it plans for.</summary>
/// <param name="Count">Images in the batch, at least 1.</param>
/// <param name="Height">Rows per image.</param>
/// <param name="Width">Columns per image.</param>
/// <param name="Draws">The stream to throw the dice with.</param>
public sealed record MixContext(int Count, int Height, int Width, Draws Draws)
{
    /// <summary>The images (N, C, H, W), for planners whose <see cref="IPlanner.Needs"/> asks for them; owned by the caller.</summary>
    public Tensor? Images { get; init; }

    /// <summary>Class ids (N), for planners that ask for the model; owned by the caller.</summary>
    public Tensor? Labels { get; init; }

    /// <summary>The network in training, for planners that ask for it. They run it in evaluation mode and leave it as it was.</summary>
    public nn.Module<Tensor, Tensor>? Model { get; init; }

    /// <summary>
    /// The pixels of an image's object by the image's row, H·W bytes, above 0 where it shows; null where they are not known. For labels by
    /// objects.
    /// </summary>
    public Func<int, byte[]?>? ObjectMask { get; init; }

    /// <summary>Epochs of the training that are done, with the share done of the one in progress. Default 0.</summary>
    public double Epoch { get; init; }

    /// <summary>The context of a batch of images (N, C, H, W) that exists already.</summary>
    public static MixContext Of(Tensor images, Draws draws)
    {
        if (images.dim() != 4)
            throw new ArgumentException($"images must have four dimensions (N, C, H, W). Received: ({string.Join(", ", images.shape)}).");
        return new((int)images.size(0), (int)images.size(2), (int)images.size(3), draws) { Images = images };
    }

    /// <summary>The images, for a method that cannot do without.</summary>
    /// <exception cref="InvalidOperationException">There are none.</exception>
    internal Tensor Pixels(string method) =>
        Images ?? throw new InvalidOperationException($"{method} plans by the pixels of a batch. Received: a context without images.");

    /// <summary>
    /// Images, class ids (N) and the network, for a method that cannot do without. Of labels given as distributions the likeliest class
    /// counts.
    /// </summary>
    /// <exception cref="InvalidOperationException">One of them is missing.</exception>
    internal (Tensor Images, Tensor Classes, nn.Module<Tensor, Tensor> Model) Network(string method)
    {
        if (Model is null || Labels is null)
            throw new InvalidOperationException($"{method} plans by what a network looks at. Received: a context without "
                + $"{(Model is null ? "a network" : "labels")}.");
        return (Pixels(method), Labels.dim() == 2 ? Labels.argmax(1) : Labels, Model);
    }
}

/// <summary>What planning must see.</summary>
public enum Needs
{
    /// <summary>Sizes alone: the loader can plan ahead and mix while it assembles the batch.</summary>
    Nothing,

    /// <summary>The pixels of the batch.</summary>
    Images,

    /// <summary>Pixels, labels and the network in training.</summary>
    Model,
}

/// <summary>
/// Something that draws plans. <see cref="Plan"/> makes every random draw and writes nothing; it is called on loader threads.
/// </summary>
public interface IPlanner
{
    /// <summary>What <see cref="Plan"/> must see.</summary>
    Needs Needs { get; }

    /// <summary>
    /// True when its plans hold nothing but boxes of partners' pixels (<see cref="BoxRegion"/>), which a loader pastes while it assembles
    /// the batch.
    /// </summary>
    bool PlansBoxes { get; }

    /// <summary>Draws a plan for one batch from <see cref="MixContext.Draws"/>.</summary>
    MixPlan Plan(MixContext context);
}
