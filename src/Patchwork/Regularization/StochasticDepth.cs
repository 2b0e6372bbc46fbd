using Patchwork.Formats;
using Patchwork.Randomness;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// Stochastic depth (Huang, Sun, Liu, Sedra, Weinberger 2016, "Deep Networks with Stochastic Depth", equations 2 and 5). In training the
/// branch of block l is kept with probability 1 - p_l and zero otherwise; in evaluation it is multiplied by 1 - p_l.
/// </summary>
/// <remarks>
/// Differs from the paper: a dropped branch is computed and multiplied by zero, so its batch norms still see the batch; no time is saved.
/// </remarks>
public sealed record StochasticDepth : BranchRegularizer
{
    /// <inheritdoc/>
    public override string Id => "stochasticdepth";

    /// <inheritdoc/>
    public override BranchPoint Point => BranchPoint.End;

    /// <summary>
    /// p_L, the chance that the last block's branch is dropped. Range [0, 1]. Default 0.25, the CutMix paper's; the method's own paper has
    /// 0.5.
    /// </summary>
    public override double DropProbability { get; init => field = Checked.Probability(value); } = 0.25;

    /// <summary>
    /// Whether p_l is p_L·l/L (true, the method's paper) or p_L in every block. The CutMix paper does not say. Default true.
    /// </summary>
    public bool Decays { get; init; } = true;

    /// <summary>Whether a batch or every image draws its own gate. Default <see cref="StochasticDepthMode.Batch"/>, the paper's.</summary>
    public StochasticDepthMode Mode { get; init; } = StochasticDepthMode.Batch;

    /// <summary>Where the keep probability enters. Default <see cref="StochasticDepthScale.Evaluation"/>, the paper's equation 5.</summary>
    public StochasticDepthScale Scale { get; init; } = StochasticDepthScale.Evaluation;

    /// <summary>The training rule with given gates. The result is a new tensor of the caller.</summary>
    /// <param name="branch">(N, C, H, W); not changed.</param>
    /// <param name="gates">1 keeps and 0 drops: (N), one an image, or (1), one for all; of the branch's type.</param>
    /// <param name="dropProbability">p_l, used with <see cref="StochasticDepthScale.Training"/> alone.</param>
    public Tensor Apply(Tensor branch, Tensor gates, double dropProbability)
    {
        using var scope = NewDisposeScope();
        var factors = (gates * Held(TrainingFactor(dropProbability))).to(branch.dtype);
        return (branch * factors.reshape([-1, .. Enumerable.Repeat(1L, (int)branch.dim() - 1)])).MoveToOuterDisposeScope();
    }

    /// <summary>By what a kept branch is multiplied in training: 1, or 1/(1 - p).</summary>
    public double TrainingFactor(double dropProbability) =>
        Scale == StochasticDepthScale.Training && dropProbability < 1 ? 1 / (1 - dropProbability) : 1;

    /// <summary>By what a branch is multiplied in evaluation: 1 - p, or 1.</summary>
    public double EvaluationFactor(double dropProbability) =>
        Scale == StochasticDepthScale.Training && dropProbability < 1 ? 1 : 1 - dropProbability;

    /// <inheritdoc/>
    public override double DropProbabilityAt(BlockPlace place) => Decays ? place.LinearDecay(DropProbability) : DropProbability;

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> LayerAt(BlockPlace place) => new StochasticDepthLayer(this, place);
}

/// <summary>What shares one gate.</summary>
public enum StochasticDepthMode
{
    /// <summary>The whole batch, as in the paper.</summary>
    Batch,

    /// <summary>An image (timm's drop path; torchvision's name).</summary>
    Row,
}

/// <summary>When a branch is scaled so that training and evaluation agree in expectation.</summary>
public enum StochasticDepthScale
{
    /// <summary>Times 1 - p in evaluation, as in the paper.</summary>
    Evaluation,

    /// <summary>Divided by 1 - p in training, as in timm and torchvision. Where p is 1 the branch is zero in both.</summary>
    Training,
}

/// <summary>Stochastic depth on one branch.</summary>
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
