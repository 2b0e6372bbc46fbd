using Patchwork.Formats;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Schedules;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// A method that acts on the residual branches of a network in training. The record holds the options; <see cref="LayerAt"/> creates the
/// modules that make the random draws, from torch's default generator.
/// </summary>
public abstract record BranchRegularizer : IMethod
{
    /// <inheritdoc/>
    public abstract string Id { get; }

    /// <inheritdoc/>
    public NetworkNeed NetworkNeed => Point == BranchPoint.Features ? NetworkNeed.FeatureMaps : NetworkNeed.Nothing;

    /// <summary>Where in a block the method acts. A network can have one method at each of these points.</summary>
    public abstract BranchPoint Point { get; }

    /// <summary>Probability that a branch or a feature is dropped. Range [0, 1].</summary>
    public abstract double DropProbability { get; init; }

    /// <summary>
    /// The drop probability of one block: <see cref="DropProbability"/>, possibly adjusted to the depth of the block. Range [0, 1].
    /// </summary>
    public abstract double DropProbabilityAt(BlockPlace place);

    /// <summary>
    /// Creates the layer for one block, from (N, C, H, W) to the same shape, without weights; null when the method does not act in that
    /// block. When there is nothing to change, the layer may return the input tensor itself. So modify the result in place only if you own
    /// the input, and call the layer in your own forward pass, not from TorchSharp's <c>Sequential</c>, which disposes intermediate
    /// results. The caller owns the layer.
    /// </summary>
    public abstract nn.Module<Tensor, Tensor>? LayerAt(BlockPlace place);

    /// <summary>
    /// The schedule by which the drop probability rises over a training of the given number of epochs; null when it is constant. The run of
    /// a recipe follows it; with your own <c>Trainer</c>, add <c>new DropSchedule(method.Ramp(epochs)!)</c>.
    /// </summary>
    public virtual StrengthSchedule? Ramp(int epochs) => null;
}

/// <summary>Where in a residual block a method acts.</summary>
public enum BranchPoint
{
    /// <summary>At the end of the branch, on the output that is added to the shortcut.</summary>
    End,

    /// <summary>After every convolution (with its batch norm and ReLU) and on the shortcut.</summary>
    Features,
}

/// <summary>The layer of a method in one block of a network. Its drop probability can be changed during training.</summary>
internal abstract class BranchLayer(BranchRegularizer method, BlockPlace place)
    : nn.Module<Tensor, Tensor>(method.GetType().Name), IOnnxLayer
{
    /// <summary>The method with the current drop probability.</summary>
    public BranchRegularizer Method { get; set; } = method;

    /// <summary>The current drop probability of this block.</summary>
    public double DropProbability => Method.DropProbabilityAt(place);

    /// <summary>Writes what the layer does in evaluation mode to an ONNX graph.</summary>
    public abstract OnnxValue Write(OnnxGraph graph, OnnxValue x);

    /// <summary>Returns the layers of a network that belong to a method, or to any method when the id is null.</summary>
    public static IEnumerable<BranchLayer> In(nn.Module model, string? method) =>
        model.modules().OfType<BranchLayer>().Where(layer => method is null || layer.Method.Id == method);
}

/// <summary>The position of a residual block in its network.</summary>
/// <param name="Block">l, the number of the block, counted from 1 over all stages.</param>
/// <param name="Blocks">L, the number of blocks.</param>
/// <param name="Stage">Stage of the block, counted from 1.</param>
/// <param name="Stages">Number of stages.</param>
public readonly record struct BlockPlace(int Block, int Blocks, int Stage, int Stages)
{
    /// <summary>
    /// The linear decay rule, l/L times the value of the last block (Huang et al. 2016, "Deep Networks with Stochastic Depth", equation 4):
    /// early features serve every later block, so early blocks are dropped least.
    /// </summary>
    public double LinearDecay(double last) => last * Block / Blocks;
}

/// <summary>The range of a uniform distribution.</summary>
/// <param name="Low">Smallest value.</param>
/// <param name="High">Largest value, not below <paramref name="Low"/>.</param>
public readonly record struct UniformRange(double Low, double High)
{
    /// <summary>The mean of the distribution.</summary>
    public double Mean => (Low + High) / 2;

    /// <summary>Returns the interval, for example [-1, 1].</summary>
    public override string ToString() => FormattableString.Invariant($"[{Low}, {High}]");

    /// <summary>
    /// Draws from the distribution, on the device of <paramref name="like"/> and of its type, or float32 if that has 16 bits. The caller
    /// owns the result.
    /// </summary>
    internal Tensor Draw(long[] shape, Tensor like, bool ofImages)
    {
        using var scope = NewDisposeScope();
        var uniform = ofImages ? TorchDraws.Own(TorchDraws.UniformOfImages(shape, like.dtype, like.device))
            : TorchDraws.Uniform(shape, like.dtype, like.device);
        return uniform.mul_(Held(High - Low)).add_(Held(Low), One).MoveToOuterDisposeScope();
    }
}

/// <summary>Range checks for options that several methods share.</summary>
internal static class Checked
{
    public static double Probability(double value) => value is >= 0 and <= 1 ? value
        : throw new ArgumentOutOfRangeException(nameof(value),
            FormattableString.Invariant($"drop probability must lie in [0, 1]. Received: {value}."));

    public static UniformRange Range(UniformRange value, string name) =>
        value.Low <= value.High && double.IsFinite(value.Low) && double.IsFinite(value.High) ? value
        : throw new ArgumentOutOfRangeException(nameof(value), FormattableString.Invariant(
            $"The range of {name} must be finite and its low end not above the high one. Received: [{value.Low}, {value.High}]."));
}
