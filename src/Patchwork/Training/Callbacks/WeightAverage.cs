using Patchwork.Plans;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>
/// Keeps an exponential moving average of the weights: after every optimizer step t (counted from 1), average ← d·average + (1-d)·weights
/// with d = min(decay, (1+t)/(10+t)). Validation and test use the averages, and training continues with the weights themselves. A fit that
/// ends without an error leaves the averages in the model.
/// </summary>
/// <remarks>
/// Only the parameters are averaged. Buffers, such as BatchNorm's statistics and step count, are the current ones, as in PyTorch's
/// AveragedModel; timm's ModelEmaV3 averages floating-point buffers too. A callback that needs the averages in
/// <see cref="OnValidationStart"/> must come after this one; one that needs them in <see cref="OnValidationEnd"/> must come before it.
/// </remarks>
public sealed class WeightAverage : Callback
{
    private readonly SortedDictionary<string, Tensor> averages = new(StringComparer.Ordinal);
    private Func<IReadOnlyDictionary<string, Tensor>>? evaluationWeightsBefore;
    private bool exchanged;      // the model holds the averages, the averages hold the model's weights
    private bool failed;

    /// <summary>Share of the average that a step keeps. Range: above 0, below 1. Default 0.9998.</summary>
    public double Decay
    {
        get;
        init => field = value is > 0 and < 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                $"decay must lie between 0 and 1, both excluded. Received: decay = {value}.");
    } = 0.9998;

    /// <summary>
    /// Whether to keep less in the first steps, (1+t)/(10+t), so that the first weights are soon forgotten. Default true.
    /// </summary>
    public bool Warmup { get; init; } = true;

    /// <inheritdoc/>
    public override void OnFitStart(TrainingState state)
    {
        failed = false;
        using var scope = NewDisposeScope();
        foreach (var (name, parameter) in state.Model.named_parameters())
            averages[name] = parameter.detach().clone().DetachFromDisposeScope();
        evaluationWeightsBefore = state.EvaluationWeights;
        state.EvaluationWeights = () => Averaged(state);
    }

    /// <inheritdoc/>
    public override void OnTrainBatchEnd(TrainingState state, Batch batch)
    {
        var decay = DecayAt(state.Step);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        foreach (var (name, parameter) in state.Model.named_parameters())
        {
            var average = averages[name];
            // Not d·average + (1-d)·weights, whose rounding would move an average that has already converged.
            average.add_(parameter - average, Held(1 - decay));
        }
    }

    /// <inheritdoc/>
    public override void OnValidationStart(TrainingState state) => Exchange(state);

    /// <inheritdoc/>
    public override void OnValidationEnd(TrainingState state) => Exchange(state);

    /// <inheritdoc/>
    public override void OnTestStart(TrainingState state) => Exchange(state);

    /// <inheritdoc/>
    public override void OnTestEnd(TrainingState state) => Exchange(state);

    /// <inheritdoc/>
    public override void OnException(TrainingState state, Exception exception)
    {
        failed = true;
        if (exchanged)
            Exchange(state);      // a checkpoint may be written next
    }

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingState state)
    {
        if (evaluationWeightsBefore is null)
            return;
        if (!failed)
            Exchange(state);
        foreach (var average in averages.Values)
            average.Dispose();
        averages.Clear();
        state.EvaluationWeights = evaluationWeightsBefore;
        (evaluationWeightsBefore, exchanged) = (null, false);
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, Tensor> StateTensors() => averages;

    /// <inheritdoc/>
    public override void LoadStateTensors(IReadOnlyDictionary<string, Tensor> tensors)
    {
        var strange = averages.Keys.Union(tensors.Keys).FirstOrDefault(name =>
            !averages.TryGetValue(name, out var average) || !tensors.TryGetValue(name, out var saved)
                || !average.shape.SequenceEqual(saved.shape));
        if (strange is not null)
            throw new InputException($"The averages in a checkpoint must match the model's weights. Received: {strange}, which does not. "
                + "Resume with the model of the run.");
        using var noGradient = no_grad();
        foreach (var (name, average) in averages)
            average.copy_(tensors[name]);
    }

    /// <summary>The share of the average that step <paramref name="step"/>, counted from 1, keeps.</summary>
    internal double DecayAt(long step) => Warmup ? Math.Min(Decay, (1.0 + step) / (10.0 + step)) : Decay;

    private void Exchange(TrainingState state)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        foreach (var (name, parameter) in state.Model.named_parameters())
        {
            var weights = parameter.detach().clone();
            parameter.copy_(averages[name]);
            averages[name].copy_(weights);
        }
        exchanged = !exchanged;
    }

    // The model's buffers and, in place of its parameters, their averages.
    private Dictionary<string, Tensor> Averaged(TrainingState state)
    {
        var weights = state.Model.state_dict();
        if (!exchanged)
        {
            foreach (var (name, average) in averages)
                weights[name] = average;
        }
        return weights;
    }
}
