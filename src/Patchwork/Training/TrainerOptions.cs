using Patchwork.Distributed;
using Patchwork.Losses;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Schedules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>The options of a <see cref="Trainer"/>.</summary>
public sealed record TrainerOptions
{
    /// <summary>Number of epochs. Range: at least 1. Default 15.</summary>
    public int Epochs
    {
        get;
        init => field = value >= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"epochs must be at least 1. Received: epochs = {value}.");
    } = 15;

    /// <summary>The optimizer. Default: SGD with Nesterov momentum 0.9.</summary>
    public OptimizerOptions Optimizer { get; init; } = new Sgd();

    /// <summary>Learning rate by optimizer step; null keeps the optimizer's own rate. Default null.</summary>
    public LearningRateSchedule? Schedule { get; init; }

    /// <summary>The loss. Default: cross entropy, mean over the batch.</summary>
    public Loss Loss { get; init; } = new CrossEntropy();

    /// <summary>
    /// The loss of validation and test, for example one without the class weights of training. Null, the default: <see cref="Loss"/>.
    /// </summary>
    public Loss? EvaluationLoss { get; init; }

    /// <summary>Maximum norm of the whole gradient; null does not clip. Range: positive. Default null.</summary>
    public double? ClipNorm
    {
        get;
        init => field = value is null or (> 0 and < double.PositiveInfinity) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"clip norm must be positive. Received: clip norm = {value}."));
    }

    /// <summary>
    /// Number of parts in which a batch passes through the network, with their gradients added up, for batches that are too large for
    /// memory. The loader assembles and mixes the whole batch; only BatchNorm sees the parts. Range: at least 1. Default 1.
    /// </summary>
    public int Accumulate
    {
        get;
        init => field = value >= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"accumulate must be at least 1. Received: accumulate = {value}.");
    } = 1;

    /// <summary>
    /// Precision of the forward passes in training and validation; the test is in float32, so that its numbers are comparable with those of
    /// other runs. bfloat16 needs an <see cref="Models.ImageClassifier"/>; a network of your own can open an <see cref="Autocast"/> scope
    /// in its forward pass. Null, the default: the network's own setting, which is float32 unless you change it.
    /// </summary>
    public Precision? Precision { get; init; }

    /// <summary>
    /// The processes that train together, each with its part of every batch (<see cref="Launcher.Join"/>): gradients are summed over them,
    /// and metrics cover all of them. Every rank must have the same options and data. Default: this process alone.
    /// </summary>
    public ICollective Collective { get; init; } = new SingleProcess();

    /// <summary>
    /// With several ranks: BatchNorm computes mean and variance over the rows of all of them, not over each rank's own. Default false.
    /// </summary>
    public bool SyncBatchNorm { get; init; }

    /// <summary>Where to train. Default: CPU.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>The seed from which torch's own generators are reseeded at every step. Default: seed 0.</summary>
    public SeedStream Seeds { get; init; } = new(0);

    /// <summary>Receives one line at a time for the user. Default: none.</summary>
    public Action<string>? Report { get; init; }

    /// <summary>Receives warnings, one line each. Null: they go to <see cref="Report"/>, marked as warnings.</summary>
    public Action<string>? Warn { get; init; }
}

/// <summary>Parameters that the optimizer treats alike.</summary>
/// <param name="Parameters">The parameters.</param>
/// <param name="WeightDecay">Their weight decay.</param>
/// <param name="RateScale">Factor by which their learning rate is multiplied.</param>
internal sealed record OptimizerGroup(IReadOnlyList<Parameter> Parameters, double WeightDecay, double RateScale);

/// <summary>An optimizer described as data; <see cref="Create"/> creates the torch optimizer.</summary>
public abstract record OptimizerOptions
{
    /// <summary>Learning rate if there is no schedule. Range: positive.</summary>
    public double LearningRate
    {
        get;
        init => field = value is > 0 and < double.PositiveInfinity ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"learning rate must be positive. Received: learning rate = {value}.");
    } = 0.1;

    /// <summary>Weight decay. Range: 0 or more.</summary>
    public double WeightDecay
    {
        get;
        init => field = value is >= 0 and < double.PositiveInfinity ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"weight decay must not be negative. Received: weight decay = {value}.");
    }

    /// <summary>Whether vectors decay too: biases and the scales and shifts of BatchNorm. Default true, as in the CutMix paper.</summary>
    public bool DecayVectors { get; init; } = true;

    /// <summary>
    /// Factor by which the learning rate changes from one stage of the network to the one before: the last layer has the full rate, the
    /// last stage this fraction of it, the stage before it the square of the fraction. Range (0, 1]. Default 1: all stages have the same
    /// rate.
    /// </summary>
    public double LayerDecay
    {
        get;
        init => field = value is > 0 and <= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"layer decay must lie in (0, 1]. Received: layer decay = {value}."));
    } = 1;

    /// <summary>The parameter groups of the optimizer, in their order.</summary>
    internal IReadOnlyList<OptimizerGroup> Groups(nn.Module model)
    {
        // Frozen parameters are excluded: weight decay would change them without a gradient.
        OptimizerGroup[] groups = [.. ByDepth(model).Select(group => group with
        {
            Parameters = [.. group.Parameters.Where(parameter => parameter.requires_grad)],
        }).Where(group => group.Parameters.Count > 0)];
        return WeightDecay == 0 || DecayVectors ? groups
            : [.. groups.SelectMany(group => new[]
            {
                group with { Parameters = [.. group.Parameters.Where(parameter => parameter.dim() > 1)] },
                group with { Parameters = [.. group.Parameters.Where(parameter => parameter.dim() <= 1)], WeightDecay = 0 },
            })];
    }

    private IEnumerable<OptimizerGroup> ByDepth(nn.Module model)
    {
        if (LayerDecay == 1)
            return [new([.. model.parameters()], WeightDecay, 1)];
        if (model is not ImageClassifier network)
            throw new ArgumentException($"Layer decay needs a network that knows its stages, an {nameof(ImageClassifier)}. "
                + $"Received: {model.GetType().Name}.", nameof(model));
        var deepest = network.StageNames.Count + 1;
        return network.Depths().GroupBy(one => one.Depth).Select(group =>
            new OptimizerGroup([.. group.Select(one => one.Parameter)], WeightDecay, Math.Pow(LayerDecay, deepest - group.Key)));
    }

    /// <summary>Creates the optimizer for a model that is already on its device. The caller owns it.</summary>
    public abstract OptimizerHelper Create(nn.Module model);
}

/// <summary>
/// Stochastic gradient descent, with the settings of the CutMix paper as defaults (learning rate 0.1, Nesterov momentum 0.9, weight decay
/// 1e-4 on all parameters).
/// </summary>
public sealed record Sgd : OptimizerOptions
{
    /// <summary>SGD with the paper's defaults.</summary>
    public Sgd() => WeightDecay = 1e-4;

    /// <summary>Momentum. Range [0, 1). Default 0.9.</summary>
    public double Momentum
    {
        get;
        init => field = value is >= 0 and < 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"momentum must lie in [0, 1). Received: momentum = {value}.");
    } = 0.9;

    /// <summary>Nesterov's form of the momentum. Default true.</summary>
    public bool Nesterov { get; init; } = true;

    /// <inheritdoc/>
    public override OptimizerHelper Create(nn.Module model)
    {
        var nesterov = Nesterov && Momentum > 0;
        return new HeldSgd(Groups(model)
            .Select(group => new TorchSharp.Modules.SGD.ParamGroup(group.Parameters,
                group.RateScale * LearningRate, Momentum, 0, group.WeightDecay, nesterov)),
            LearningRate, Momentum, WeightDecay, nesterov);
    }
}

/// <summary>Adam (Kingma and Ba 2015), weight decay as an L2 term. Learning rate 0.001 by default.</summary>
public sealed record Adam : OptimizerOptions
{
    /// <summary>Adam with its usual rate.</summary>
    public Adam() => LearningRate = 1e-3;

    /// <inheritdoc/>
    public override OptimizerHelper Create(nn.Module model)
    {
        return new HeldAdam(Groups(model)
            .Select(group => new TorchSharp.Modules.Adam.ParamGroup(group.Parameters,
                group.RateScale * LearningRate, weight_decay: group.WeightDecay)),
            LearningRate, WeightDecay);
    }
}

/// <summary>AdamW (Loshchilov and Hutter 2019), weight decay decoupled. Learning rate 0.001, weight decay 0.01 by default.</summary>
public sealed record AdamW : OptimizerOptions
{
    /// <summary>AdamW with its usual settings.</summary>
    public AdamW() => (LearningRate, WeightDecay) = (1e-3, 1e-2);

    /// <inheritdoc/>
    public override OptimizerHelper Create(nn.Module model)
    {
        return new HeldAdamW(Groups(model)
            .Select(group => new TorchSharp.Modules.AdamW.ParamGroup(group.Parameters,
                group.RateScale * LearningRate, weight_decay: group.WeightDecay)),
            LearningRate, WeightDecay);
    }
}
