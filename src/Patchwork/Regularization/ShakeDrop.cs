using Patchwork.Formats;
using Patchwork.Randomness;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// ShakeDrop (Yamada, Iwamura, Akiba, Kise 2019, "ShakeDrop Regularization for Deep Residual Learning"). In training, the branch r of
/// block l becomes <c>(b + α - b·α)·r</c> and its gradient <c>(b + β - b·β)·g</c>, where b ~ Bernoulli(1 - p_l) is drawn once per batch,
/// and α and β are drawn independently in every pass: a dropped branch is not removed but perturbed by α, and its gradient by β. In
/// evaluation, r is multiplied by the expected value of the first factor.
/// </summary>
public sealed record ShakeDrop : BranchRegularizer
{
    /// <inheritdoc/>
    public override string Id => "shakedrop";

    /// <inheritdoc/>
    public override BranchPoint Point => BranchPoint.End;

    /// <summary>
    /// p_L, the probability that the branch of the last block is dropped; block l has p_L·l/L. Range [0, 1]. Default 0.5, as in the paper.
    /// </summary>
    public override double DropProbability { get; init => field = Checked.Probability(value); } = 0.5;

    /// <summary>Range of α, the factor of a dropped branch: any interval. Default [-1, 1], the paper's best value for PyramidNet.</summary>
    public UniformRange Alpha { get; init => field = Checked.Range(value, "alpha"); } = new(-1, 1);

    /// <summary>Range of β, the factor of a dropped branch's gradient: any interval. Default [0, 1], the paper's best value.</summary>
    public UniformRange Beta { get; init => field = Checked.Range(value, "beta"); } = new(0, 1);

    /// <summary>Which elements share one α and one β. Default <see cref="ShakeDropLevel.Image"/>, as in the public PyTorch code.</summary>
    public ShakeDropLevel Level { get; init; } = ShakeDropLevel.Image;

    /// <summary>
    /// Applies the training rule with given draws, for a branch (N, C, H, W) and factors that broadcast to it. A kept branch is returned
    /// itself; otherwise the result is a new tensor that the caller owns. The branch is not changed.
    /// </summary>
    /// <param name="branch">r, the output of the branch.</param>
    /// <param name="keep">Whether b = 1.</param>
    /// <param name="alpha">α, the forward factor where b = 0.</param>
    /// <param name="beta">β, the backward factor where b = 0.</param>
    public static Tensor Apply(Tensor branch, bool keep, Tensor alpha, Tensor beta)
    {
        if (keep)
            return branch;
        using var scope = NewDisposeScope();
        // The value is α·r and the gradient that of β·r, because the detached part carries no gradient.
        var correction = branch.detach() * (alpha - beta);
        return (branch * beta).PlusInPlace(correction).to(branch.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Computes E[b + α - b·α], the factor of a branch in evaluation: 1 - p when the range of α is symmetric.</summary>
    public double ExpectedFactor(double dropProbability) => 1 - dropProbability + dropProbability * Alpha.Mean;

    /// <inheritdoc/>
    public override double DropProbabilityAt(BlockPlace place) => place.LinearDecay(DropProbability);

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> LayerAt(BlockPlace place) => new ShakeDropLayer(this, place);
}

/// <summary>Which elements share one α and one β (Yamada et al. 2019).</summary>
public enum ShakeDropLevel
{
    /// <summary>All elements of the batch.</summary>
    Batch,

    /// <summary>All elements of an image.</summary>
    Image,

    /// <summary>All elements of one channel of an image.</summary>
    Channel,

    /// <summary>None: every element has its own α and β.</summary>
    Pixel,
}

/// <summary>ShakeDrop at the end of one branch.</summary>
internal sealed class ShakeDropLayer(ShakeDrop method, BlockPlace place) : BranchLayer(method, place)
{
    public override Tensor forward(Tensor branch)
    {
        if (!training)
            return branch * Held(method.ExpectedFactor(DropProbability));
        // The gate is always drawn on the CPU: reading it there needs no synchronization, and a kept branch needs no pass over memory.
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
