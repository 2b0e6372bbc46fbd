using System.Text.Json.Nodes;
using Patchwork.Data;
using Patchwork.Distributed;
using Patchwork.Losses;
using Patchwork.Plans;
using Patchwork.Schedules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>Computes the loss of a batch, a differentiable scalar.</summary>
public delegate Tensor BatchLoss(Tensor logits, Batch batch);

/// <summary>The state of a fit: everything that callbacks can see and change.</summary>
public sealed class TrainingState
{
    internal TrainingState(TrainerOptions options, nn.Module<Tensor, Tensor> model, TrainingData data, OptimizerHelper optimizer,
        Ranks ranks)
    {
        (Options, Model, Data, Optimizer, Ranks) = (options, model, data, optimizer, ranks);
        Criterion = options.Loss;
        TrainLoss = (logits, batch) => Criterion.Evaluate(logits, batch.Labels);
        EvaluationLoss = (logits, batch) => (options.EvaluationLoss ?? options.Loss).Evaluate(logits, batch.Labels);
        EvaluationWeights = () => model.state_dict();
    }

    /// <summary>The trainer's options.</summary>
    public TrainerOptions Options { get; }

    /// <summary>The network.</summary>
    public nn.Module<Tensor, Tensor> Model { get; }

    /// <summary>The loaders.</summary>
    public TrainingData Data { get; }

    /// <summary>The optimizer.</summary>
    public OptimizerHelper Optimizer { get; }

    /// <summary>The processes that train together.</summary>
    internal Ranks Ranks { get; }

    /// <summary>
    /// The index, among the epoch's streams of random draws, of this rank's own draws in this step; rank 0 has the same index as a single
    /// process.
    /// </summary>
    internal long OwnStream => (long)Ranks.Rank * Data.Train.Steps + StepInEpoch;

    /// <summary>This rank's part of a batch that every rank has in full.</summary>
    internal Batch OwnPart(Batch whole)
    {
        var rows = RankRows.Of(whole.Examples, Ranks.Rank, Ranks.Size);
        return rows.Count == 0 ? whole.PartOf(0, 1, spare: true)
            : rows.Count == whole.Examples ? whole : whole.PartOf(rows.First, rows.Count, spare: false);
    }

    /// <summary>
    /// Factor by which the learning rate is multiplied for each group of the optimizer; empty if all groups have the same rate.
    /// </summary>
    internal IReadOnlyList<double> RateScales { get; init; } = [];

    /// <summary>Number of completed epochs.</summary>
    public int Epoch { get; internal set; }

    /// <summary>Number of completed steps of the epoch in progress.</summary>
    public int StepInEpoch { get; internal set; }

    /// <summary>Number of completed optimizer steps of the whole fit.</summary>
    public long Step => (long)Epoch * Data.Train.Steps + StepInEpoch;

    /// <summary>Completed epochs plus the completed share of the epoch in progress: the time of a <see cref="StrengthSchedule"/>.</summary>
    public double EpochsDone => Epoch + (double)StepInEpoch / Data.Train.Steps;

    /// <summary>
    /// The loss function that <see cref="TrainLoss"/> applies: the options' own, unless a callback changes its strength between steps.
    /// </summary>
    public Loss Criterion { get; set; }

    /// <summary>
    /// Loss of training batches. A callback may wrap it in <see cref="Callback.OnFitStart"/> and must restore it in
    /// <see cref="Callback.OnFitEnd"/>.
    /// </summary>
    public BatchLoss TrainLoss { get; set; }

    /// <summary>Loss of validation and test batches; never wrapped.</summary>
    public BatchLoss EvaluationLoss { get; }

    /// <summary>
    /// The weights and buffers that validation and test use, by name; these are saved as the best. Whoever created them owns them. A
    /// callback may set others in <see cref="Callback.OnFitStart"/> and must restore these in <see cref="Callback.OnFitEnd"/>.
    /// </summary>
    public Func<IReadOnlyDictionary<string, Tensor>> EvaluationWeights { get; set; }

    /// <summary>Learning rate of the step in progress.</summary>
    public double LearningRate { get; internal set; }

    /// <summary>Loss of the last training batch.</summary>
    public double Loss { get; internal set; }

    /// <summary>Sums over the training batches of the epoch in progress.</summary>
    public EpochTotals Totals { get; } = new();

    /// <summary>
    /// Metrics of the epoch just completed, by name, in the order they were set; in <see cref="Callback.OnTestEnd"/> also those of the
    /// test.
    /// </summary>
    public OrderedDictionary<string, double> Metrics { get; } = [];

    /// <summary>Why the fit will end after this step, or null.</summary>
    public string? StopReason { get; private set; }

    /// <summary>Ends the fit after the step in progress, without an error.</summary>
    public void Stop(string reason) => StopReason ??= reason;

    /// <summary>Shows one line to the user.</summary>
    public void Report(string line) => Options.Report?.Invoke(line);

    /// <summary>Shows the user one line of warning about something that may make the result differ from what they expect.</summary>
    public void Warn(string line)
    {
        if (Options.Warn is { } warn)
            warn(line);
        else
            Report($"warning: {line}");
    }

    /// <summary>State of all callbacks, for a checkpoint.</summary>
    internal Func<IReadOnlyDictionary<string, JsonObject>> CallbackStates { get; init; } = () => throw new InvalidOperationException();

    /// <summary>Tensors of all callbacks, for a checkpoint; the callbacks own them.</summary>
    internal Func<IReadOnlyDictionary<string, Tensor>> CallbackTensors { get; init; } = () => throw new InvalidOperationException();
}

/// <summary>The loaders of a fit. They belong to the caller.</summary>
/// <param name="Train">Training batches.</param>
/// <param name="Validation">Batches that feed <c>val/*</c>, the best checkpoint and early stopping; null for no validation.</param>
public sealed record TrainingData(BatchLoader Train, BatchLoader? Validation = null);

/// <summary>
/// Sums over the training batches of one epoch; part of a checkpoint, so that a resumed epoch reports the same as an uninterrupted one.
/// </summary>
public sealed class EpochTotals
{
    /// <summary>Number of images seen.</summary>
    public long Images { get; internal set; }

    /// <summary>Sum of the batch losses, each multiplied by its number of images.</summary>
    public double Loss { get; internal set; }

    /// <summary>Number of hits, weighted by λ.</summary>
    public double Hits { get; internal set; }

    /// <summary>Replaced area, summed over images.</summary>
    public double ReplacedArea { get; internal set; }

    /// <summary>Number of images mixed with another one.</summary>
    public double Mixed { get; internal set; }

    /// <summary>Seconds spent on the batches, including waiting for data.</summary>
    public double Seconds { get; internal set; }

    /// <summary>Seconds of these spent waiting for the loader.</summary>
    public double Waited { get; internal set; }

    /// <summary>Seconds of these spent in exchanges with other ranks, including waiting for them.</summary>
    public double Exchanged { get; internal set; }

    /// <summary>Hits, replaced area and number of mixed images of the examples that count in one rank's batch.</summary>
    /// <remarks>Means are over examples: if an example has two rows, each of them counts half.</remarks>
    internal static (double Hits, double ReplacedArea, double Mixed) Of(Batch batch, Tensor logits)
    {
        if (batch.Counted == 0)
            return (0, 0, 0);
        var hits = (batch.Targets ?? new PairTargets(batch.Labels, batch.Labels, Ones(batch.Count))).WeightedHits(logits);
        return (batch.HasCleanHalf ? hits / 2 : hits, (batch.Plan?.ReplacedArea ?? 0) * batch.Counted,
            (batch.Plan?.ShareMixed ?? 0) * batch.Counted);
    }

    internal void Clear() => (Images, Loss, Hits, ReplacedArea, Mixed, Seconds, Waited, Exchanged) = (0, 0, 0, 0, 0, 0, 0, 0);

    /// <summary>Adds a batch of all ranks.</summary>
    internal void Add(int examples, double loss, double hits, double replacedArea, double mixed)
    {
        Images += examples;
        Loss += loss * examples;
        Hits += hits;
        ReplacedArea += replacedArea;
        Mixed += mixed;
    }

    private static double[] Ones(int count)
    {
        var ones = new double[count];
        Array.Fill(ones, 1);
        return ones;
    }
}
