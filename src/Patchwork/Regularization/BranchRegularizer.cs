using Patchwork.Formats;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Schedules;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// A method that acts inside a network while it trains, on what a residual block adds to its input. The options are a value;
/// <see cref="LayerAt"/> makes
/// the module that draws. Draws come from torch's default generator.
/// </summary>
public abstract record BranchRegularizer : IMethod
{
    /// <inheritdoc/>
    public abstract string Id { get; }

    /// <summary>Where in a block it acts. A network has one method at each of these places.</summary>
    public abstract BranchPoint Point { get; }

    /// <summary>Chance that a branch, or a feature, is dropped. Range [0, 1].</summary>
    public abstract double DropProbability { get; init; }

    /// <summary>
    /// The drop probability of one block: <see cref="DropProbability"/> itself, or what the method makes of it by depth. Range [0, 1].
    /// </summary>
    public abstract double DropProbabilityAt(BlockPlace place);

    /// <summary>
    /// The layer for one block, from (N, C, H, W) to the same shape, without weights; null where the method leaves that block alone. Where
    /// nothing is to be changed the layer may return its input itself: write into the result only if the input is yours, and call it in a
    /// forward pass of your own, not from
    /// TorchSharp's <c>Sequential</c>, which disposes of what it has handed on. The caller owns the layer.
    /// </summary>
    public abstract nn.Module<Tensor, Tensor>? LayerAt(BlockPlace place);

    /// <summary>
    /// How the drop probability goes over a training of some epochs where the method has it rise; null where it stays the same. A recipe's
    /// run follows it; with a <c>Trainer</c> of your own add <c>new DropSchedule(method.Ramp(epochs)!)</c>.
    /// </summary>
    public virtual StrengthSchedule? Ramp(int epochs) => null;
}

/// <summary>Where in a residual block a method acts.</summary>
public enum BranchPoint
{
    /// <summary>At the end of the branch, on what is added to the shortcut.</summary>
    End,

    /// <summary>After every convolution (with its batch norm and ReLU) and on the shortcut.</summary>
    Features,
}

/// <summary>A method at one block of a network. Its drop probability can be set while the network trains.</summary>
internal abstract class BranchLayer(BranchRegularizer method, BlockPlace place)
    : nn.Module<Tensor, Tensor>(method.GetType().Name), IOnnxLayer
{
    /// <summary>The method with the drop probability in force.</summary>
    public BranchRegularizer Method { get; set; } = method;

    /// <summary>The drop probability of this block now.</summary>
    public double DropProbability => Method.DropProbabilityAt(place);

    /// <summary>What is left of the method in evaluation.</summary>
    public abstract OnnxValue Write(OnnxGraph graph, OnnxValue x);

    /// <summary>The layers of a network that belong to a method; of all methods where none is named.</summary>
    public static IEnumerable<BranchLayer> In(nn.Module model, string? method) =>
        model.modules().OfType<BranchLayer>().Where(layer => method is null || layer.Method.Id == method);
}

/// <summary>Where a residual block stands in its network.</summary>
/// <param name="Block">l, counted from 1 over all stages.</param>
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

/// <summary>A uniform law.</summary>
/// <param name="Low">Smallest value.</param>
/// <param name="High">Largest value, not below <paramref name="Low"/>.</param>
public readonly record struct UniformRange(double Low, double High)
{
    /// <summary>Its expectation.</summary>
    public double Mean => (Low + High) / 2;

    /// <summary>The interval, as [-1, 1].</summary>
    public override string ToString() => FormattableString.Invariant($"[{Low}, {High}]");

    /// <summary>
    /// Draws of it, on the device of <paramref name="like"/> and of its type, or float32 where that has 16 bits. The caller owns them.
    /// </summary>
    internal Tensor Draw(long[] shape, Tensor like, bool ofImages)
    {
        using var scope = NewDisposeScope();
        var uniform = ofImages ? TorchDraws.Own(TorchDraws.UniformOfImages(shape, like.dtype, like.device))
            : TorchDraws.Uniform(shape, like.dtype, like.device);
        return uniform.mul_(Held(High - Low)).add_(Held(Low), One).MoveToOuterDisposeScope();
    }
}

/// <summary>One place for the ranges of options that several methods share.</summary>
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
