using Patchwork.Formats;
using Patchwork.Randomness;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// Stochastic depth (Huang, Sun, Liu, Sedra, Weinberger 2016, "Deep Networks with Stochastic Depth", equations 2 and 5). In training, the
/// branch of block l is kept with probability 1 - p_l and set to zero otherwise; in evaluation, it is multiplied by 1 - p_l.
/// </summary>
/// <remarks>
/// Differs from the paper: a dropped branch is computed and multiplied by zero, so its batch norms still see the batch; this saves no time.
/// </remarks>
public sealed record StochasticDepth : BranchRegularizer
{
    /// <inheritdoc/>
    public override string Id => "stochasticdepth";

    /// <inheritdoc/>
    public override BranchPoint Point => BranchPoint.End;

    /// <summary>
    /// p_L, the probability that the branch of the last block is dropped. Range [0, 1]. Default 0.25, as in the CutMix paper; the paper of
    /// stochastic depth uses 0.5.
    /// </summary>
    public override double DropProbability { get; init => field = Checked.Probability(value); } = 0.25;

    /// <summary>
    /// Whether p_l is p_L·l/L (true, as in the paper of stochastic depth) or p_L in every block. The CutMix paper does not say. Default
    /// true.
    /// </summary>
    public bool Decays { get; init; } = true;

    /// <summary>Whether a gate is drawn per batch or per image. Default <see cref="StochasticDepthMode.Batch"/>, as in the paper.</summary>
    public StochasticDepthMode Mode { get; init; } = StochasticDepthMode.Batch;

    /// <summary>
    /// Whether branches are scaled in evaluation or in training. Default <see cref="StochasticDepthScale.Evaluation"/>, as in the paper's
    /// equation 5.
    /// </summary>
    public StochasticDepthScale Scale { get; init; } = StochasticDepthScale.Evaluation;

    /// <summary>Applies the training rule with given gates. The result is a new tensor that the caller owns.</summary>
    /// <param name="branch">(N, C, H, W); not changed.</param>
    /// <param name="gates">1 keeps and 0 drops: (N), one per image, or (1), one for all; of the branch's type.</param>
    /// <param name="dropProbability">p_l, used only with <see cref="StochasticDepthScale.Training"/>.</param>
    public Tensor Apply(Tensor branch, Tensor gates, double dropProbability)
    {
        using var scope = NewDisposeScope();
        var factors = (gates * Held(TrainingFactor(dropProbability))).to(branch.dtype);
        return (branch * factors.reshape([-1, .. Enumerable.Repeat(1L, (int)branch.dim() - 1)])).MoveToOuterDisposeScope();
    }

    /// <summary>The factor of a kept branch in training: 1, or 1/(1 - p).</summary>
    public double TrainingFactor(double dropProbability) =>
        Scale == StochasticDepthScale.Training && dropProbability < 1 ? 1 / (1 - dropProbability) : 1;

    /// <summary>The factor of a branch in evaluation: 1 - p, or 1.</summary>
    public double EvaluationFactor(double dropProbability) =>
        Scale == StochasticDepthScale.Training && dropProbability < 1 ? 1 : 1 - dropProbability;

    /// <inheritdoc/>
    public override double DropProbabilityAt(BlockPlace place) => Decays ? place.LinearDecay(DropProbability) : DropProbability;

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> LayerAt(BlockPlace place) => new StochasticDepthLayer(this, place);
}

/// <summary>Which images share one gate.</summary>
public enum StochasticDepthMode
{
    /// <summary>One gate per batch, as in the paper.</summary>
    Batch,

    /// <summary>One gate per image, as in timm's drop path; the name is torchvision's.</summary>
    Row,
}

/// <summary>When a branch is scaled so that training and evaluation agree in expectation.</summary>
public enum StochasticDepthScale
{
    /// <summary>Multiplied by 1 - p in evaluation, as in the paper.</summary>
    Evaluation,

    /// <summary>Divided by 1 - p in training, as in timm and torchvision. If p is 1, the branch is zero in both modes.</summary>
    Training,
}

/// <summary>Stochastic depth at the end of one branch.</summary>
internal sealed class StochasticDepthLayer(StochasticDepth method, BlockPlace place) : BranchLayer(method, place)
{
    public override Tensor forward(Tensor branch)
    {
        if (!training)
            return branch * Held(method.EvaluationFactor(DropProbability));
        using var scope = NewDisposeScope();
        var uniform = method.Mode == StochasticDepthMode.Batch ? TorchDraws.Uniform([1], branch.dtype, branch.device)
            : TorchDraws.Own(TorchDraws.UniformOfImages([branch.size(0)], branch.dtype, branch.device));
        return method.Apply(branch, uniform.ge(Held(DropProbability)).to(uniform.dtype), DropProbability).MoveToOuterDisposeScope();
    }

    public override OnnxValue Write(OnnxGraph graph, OnnxValue x) => graph.Scale(x, method.EvaluationFactor(DropProbability));
}
