using Patchwork.Formats;
using Patchwork.Randomness;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// ShakeDrop (Yamada, Iwamura, Akiba, Kise 2019, "ShakeDrop Regularization for Deep Residual Learning"). In training the branch r of block
/// l becomes <c>(b + α - b·α)·r</c> and its gradient <c>(b + β - b·β)·g</c>, where b ~ Bernoulli(1 - p_l) is drawn once a batch,
/// and α and β
/// are drawn
/// afresh and independently: a dropped branch is not silent but wrong, and learns from yet another error. In evaluation r is multiplied by
/// the expectation of the first factor.
/// </summary>
public sealed record ShakeDrop : BranchRegularizer
{
    /// <inheritdoc/>
    public override string Id => "shakedrop";

    /// <inheritdoc/>
    public override BranchPoint Point => BranchPoint.End;

    /// <summary>
    /// p_L, the chance that the last block's branch is dropped; block l has p_L·l/L. Range [0, 1]. Default 0.5, the paper's.
    /// </summary>
    public override double DropProbability { get; init => field = Checked.Probability(value); } = 0.5;

    /// <summary>Law of α, the factor of a dropped branch. Range: any interval. Default [-1, 1], the paper's best for PyramidNet.</summary>
    public UniformRange Alpha { get; init => field = Checked.Range(value, "alpha"); } = new(-1, 1);

    /// <summary>Law of β, the factor of a dropped branch's gradient. Range: any interval. Default [0, 1], the paper's best.</summary>
    public UniformRange Beta { get; init => field = Checked.Range(value, "beta"); } = new(0, 1);

    /// <summary>What shares one α and one β. Default <see cref="ShakeDropLevel.Image"/>, as in the public PyTorch code.</summary>
    public ShakeDropLevel Level { get; init; } = ShakeDropLevel.Image;

    /// <summary>
    /// The training rule with given draws, for a branch (N, C, H, W) and factors that broadcast to it. A kept branch is returned itself;
    /// otherwise the result is a new tensor of the caller. The branch is not changed.
    /// </summary>
    /// <param name="branch">r.</param>
    /// <param name="keep">b = 1.</param>
    /// <param name="alpha">α, the forward factor where b = 0.</param>
    /// <param name="beta">β, the backward factor where b = 0.</param>
    public static Tensor Apply(Tensor branch, bool keep, Tensor alpha, Tensor beta)
    {
        if (keep)
            return branch;
        using var scope = NewDisposeScope();
        // α·r in value, β·r for the gradient: what is detached carries no gradient.
        var correction = branch.detach() * (alpha - beta);
        return (branch * beta).PlusInPlace(correction).to(branch.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>E[b + α - b·α], by which a branch is multiplied in evaluation: 1 - p where α is symmetric.</summary>
    public double ExpectedFactor(double dropProbability) => 1 - dropProbability + dropProbability * Alpha.Mean;

    /// <inheritdoc/>
    public override double DropProbabilityAt(BlockPlace place) => place.LinearDecay(DropProbability);

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> LayerAt(BlockPlace place) => new ShakeDropLayer(this, place);
}

/// <summary>What shares one α and one β (Yamada et al. 2019).</summary>
public enum ShakeDropLevel
{
    /// <summary>The whole batch.</summary>
    Batch,

    /// <summary>An image.</summary>
    Image,

    /// <summary>A channel of an image.</summary>
    Channel,

    /// <summary>Nothing: every element has its own.</summary>
    Pixel,
}

/// <summary>ShakeDrop on one branch.</summary>
internal sealed class ShakeDropLayer(ShakeDrop method, BlockPlace place) : BranchLayer(method, place)
{
    public override Tensor forward(Tensor branch)
    {
        if (!training)
            return branch * Held(method.ExpectedFactor(DropProbability));
        // The gate is drawn on the CPU for any device: reading it there costs nothing, and a kept branch needs no pass over memory.
        using var gate = TorchDraws.Uniform([1], ScalarType.Float64, CPU);
        if (gate.ToDouble() >= DropProbability)
            return branch;
        var shared = method.Level switch
        {
            ShakeDropLevel.Batch => 0,
            ShakeDropLevel.Image => 1,
            ShakeDropLevel.Channel => 2,
            _ =>
            branch.shape.Length
        };
        long[] shape = [.. branch.shape.Select((side, axis) => axis < shared ? side : 1)];
        using var alpha = method.Alpha.Draw(shape, branch, ofImages: shared > 0);
        using var beta = method.Beta.Draw(shape, branch, ofImages: shared > 0);
        return ShakeDrop.Apply(branch, keep: false, alpha, beta);
    }

    public override OnnxValue Write(OnnxGraph graph, OnnxValue x) => graph.Scale(x, method.ExpectedFactor(DropProbability));
}
