using System.Diagnostics;
using System.Text.Json.Nodes;
using Patchwork.Data;
using Patchwork.Distributed;
using Patchwork.Losses;
using Patchwork.Plans;
using Patchwork.Randomness;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Training;

// The training loop with every hook. A test records the calls and compares them with this.
//
//   OnFitStart
//   [LoadStateDict, LoadStateTensors]                     on resume
//   OnTrainStart
//   for each epoch:
//       OnTrainEpochStart
//       for each batch:
//           batch = OnTrainBatchStart(batch)
//           logits = model(batch.Images)
//           batch = OnBeforeLoss(batch, logits)
//           loss = TrainLoss(logits, batch)
//           OnBeforeBackward
//           loss.backward()
//           OnAfterBackward
//           with several ranks: the gradients are summed
//           OnBeforeOptimizerStep
//           clip; optimizer.step()
//           OnTrainBatchEnd
//       OnValidationStart
//       for each batch: OnValidationBatchStart, OnValidationBatchEnd
//       OnValidationEnd
//       OnTrainEpochEnd
//   OnTrainEnd
//   OnTestStart                                           once, when the fit was given a test set
//   for each batch: OnTestBatchStart, OnTestBatchEnd
//   OnTestEnd
//   [OnException]                                         when anything above throws, for those whose OnFitStart ran
//   OnFitEnd                                              always, for the same ones, in reverse order

/// <summary>
/// Trains an image classifier. Everything optional is a <see cref="Callback"/>; the rest is the loop below. Weights, plans and batches are
/// bit-identical however often a fit was interrupted and resumed, on the same kind of machine with the same number of torch threads.
/// </summary>
public sealed class Trainer(TrainerOptions options, params Callback[] callbacks)
{
    private readonly Callback[] callbacks = [.. callbacks.OrderBy(callback => callback.RunsLast)];      // stable: given order otherwise

    /// <summary>The options.</summary>
    public TrainerOptions Options { get; } = options;

    /// <summary>
    /// Trains the model in place, then evaluates it once on the test set, if there is one. The model and the loaders belong to the caller;
    /// the model is left in evaluation mode.
    /// </summary>
    /// <param name="model">A network from images (N, C, H, W) to logits (N, K).</param>
    /// <param name="data">Training and validation batches.</param>
    /// <param name="test">Test batches, read once after the last epoch; null for no test.</param>
    /// <param name="resume">
    /// The checkpoint to resume from; null to start from the beginning. With several ranks, only rank 0's checkpoint is used.
    /// </param>
    /// <param name="cancellation">Ends the fit between two steps.</param>
    /// <exception cref="InputException">The options request a precision that the model or the loaded libtorch does not have.</exception>
    /// <exception cref="NonFiniteException">
    /// The loss of a step or of the validation, or a weight that was to be saved, is NaN or infinite.
    /// </exception>
    /// <exception cref="OperationCanceledException">The fit was cancelled; with several ranks, on any of them.</exception>
    /// <exception cref="RankException">
    /// Another rank failed. An exception with its own type, such as <see cref="InputException"/> and <see cref="OutputException"/>, is
    /// thrown with that type on every rank; the message names the rank.
    /// </exception>
    public FitResult Fit(nn.Module<Tensor, Tensor> model, TrainingData data, BatchLoader? test = null, Checkpoint? resume = null,
        CancellationToken cancellation = default)
    {
        return Ranks.Of(Options.Collective).Together(ranks => Fit(ranks, model, data, test, resume, cancellation));
    }

    private FitResult Fit(Ranks ranks, nn.Module<Tensor, Tensor> model, TrainingData data, BatchLoader? test, Checkpoint? resume,
        CancellationToken cancellation)
    {
        model.to(Options.Device);
        using var shared = ranks.Alone ? null : SharedCheckpoint.Of(ranks, resume);
        resume = ranks.Alone ? resume : shared?.Checkpoint;
        resume?.LoadWeights(model);
        RankWeights.Share(ranks, model);
        using var precision = new NetworkPrecision(model, Options.Precision);
        // after the weights are in place: an optimizer keeps the parameters it was given
        using var optimizer = Options.Optimizer.Create(model);
        resume?.LoadOptimizer(optimizer);
        var state = new TrainingState(Options, model, data, optimizer, ranks)
        {
            CallbackStates = States,
            CallbackTensors = Tensors,
            RateScales = Options.Optimizer.LayerDecay == 1 ? []
                : [.. Options.Optimizer.Groups(model).Select(group => group.RateScale)],
        };
        using var synced = Options.SyncBatchNorm && !ranks.Alone ? new SyncedBatchNorm(model, ranks) : null;
        using var gradients = new GradientSum(ranks);
        var step = new RankStep(ranks, gradients, synced);
        data.Train.TakePart(ranks.Rank, ranks.Size);
        var started = new Stack<Callback>();
        try
        {
            foreach (var callback in Present(state))
            {
                started.Push(callback);
                callback.OnFitStart(state);
            }
            resume?.LoadState(state, callbacks);
            // The learning rate of the last step: an epoch that was cancelled during validation reports it.
            state.LearningRate = Rate(Math.Max(state.Step - 1, 0));
            Each(state, callback => callback.OnTrainStart(state));
            step.Meet(state, cancellation);
            while (state.Epoch < Options.Epochs && !step.IsStopping(state))
                RunEpoch(state, step, cancellation);
            Each(state, callback => callback.OnTrainEnd(state));
            precision.Use(Precision.Float32);
            var tested = test is null ? null : RunTest(state, test, cancellation);
            return new FitResult(state.Epoch, state.Step, state.StopReason, tested);
        }
        catch (Exception exception)
        {
            var joint = ranks.Joint(exception);
            foreach (var callback in started.Reverse())      // in the given order: those that save follow those that restore weights
                callback.OnException(state, joint);
            if (joint == exception)
                throw;
            throw joint;
        }
        finally
        {
            data.Train.TakePart(0, 1);
            End(started, state);
            model.eval();
        }
    }

    // Ends every callback, even if one before it fails.
    private static void End(Stack<Callback> started, TrainingState state)
    {
        try
        {
            while (started.TryPop(out var callback))
                callback.OnFitEnd(state);
        }
        finally
        {
            if (started.Count > 0)
                End(started, state);
        }
    }

    private void RunEpoch(TrainingState state, RankStep step, CancellationToken cancellation)
    {
        state.Model.train();
        Each(state, callback => callback.OnTrainEpochStart(state));
        var clock = Stopwatch.StartNew();
        foreach (var batch in state.Data.Train.Epoch(state.Epoch, state.StepInEpoch))
        {
            state.Totals.Waited += clock.Elapsed.TotalSeconds;
            step.ThrowIfCancelled(cancellation);
            var exchanged = state.Ranks.Seconds;
            RunStep(state, batch, step, cancellation);
            state.Totals.Exchanged += state.Ranks.Seconds - exchanged;
            state.Totals.Seconds += clock.Elapsed.TotalSeconds;
            clock.Restart();
            if (step.IsStopping(state))
                return;
        }
        SetTrainMetrics(state);
        if (state.Data.Validation is { } validation)
            RunValidation(state, validation, cancellation);
        (state.Epoch, state.StepInEpoch) = (state.Epoch + 1, 0);
        state.Totals.Clear();
        Each(state, callback => callback.OnTrainEpochEnd(state));
        step.Meet(state, cancellation);
    }

    private void RunStep(TrainingState state, Batch batch, RankStep step, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        Options.Seeds.SeedTorch("step", state.Epoch, state.StepInEpoch);
        batch = OnDevice(batch);
        foreach (var callback in Present(state))
            batch = callback.OnTrainBatchStart(state, batch);
        state.LearningRate = Rate(state.Step);
        foreach (var (i, group) in state.Optimizer.ParamGroups.Index())
            group.LearningRate = (state.RateScales.Count > 0 ? state.RateScales[i] : 1) * state.LearningRate;

        state.Model.zero_grad();
        state.Loss = 0;
        var share = step.ShareOf(state, batch);
        Tensor? logits = null;      // (N, K)
        if (step.TakesPart(batch))
            (logits, batch) = Options.Accumulate == 1 ? ForwardBackward(state, batch, share) : ForwardBackwardInParts(state, batch, share);
        var (hits, replacedArea, mixed) = step.Sum(state, batch, logits, cancellation);
        Each(state, callback => callback.OnBeforeOptimizerStep(state));
        if (Options.ClipNorm is { } norm)
            nn.utils.clip_grad_norm_(state.Model.parameters(), norm);
        state.Optimizer.step();

        state.Totals.Add(batch.WholeExamples, state.Loss, hits, replacedArea, mixed);
        state.StepInEpoch++;
        Each(state, callback => callback.OnTrainBatchEnd(state, batch));
    }

    private double Rate(long step) => Options.Schedule?.Rate(step) ?? Options.Optimizer.LearningRate;

    // Adds to the existing gradients; the loss is weighted by its share. The batch that is returned has the targets of the loss.
    private (Tensor Logits, Batch Batch) ForwardBackward(TrainingState state, Batch batch, double share, double lossBefore = 0)
    {
        using var rows = TorchDraws.ForRows(batch.Part is null ? null : batch.RowsInWhole(),
            batch.HasCleanHalf ? 2 * batch.WholeExamples : batch.WholeExamples);
        var logits = state.Model.call(batch.Images);
        foreach (var callback in Present(state))
            batch = callback.OnBeforeLoss(state, batch, logits);
        var loss = state.TrainLoss(logits, batch);
        if (share != 1)
            loss *= Held(share);
        state.Loss = lossBefore + loss.ToDouble();
        if (!double.IsFinite(state.Loss) && state.Ranks.Alone)      // several ranks check the sum of their losses
            throw NonFinite.Loss(state);
        Each(state, callback => callback.OnBeforeBackward(state));
        loss.backward();
        Each(state, callback => callback.OnAfterBackward(state));
        return (logits, batch);
    }

    private (Tensor Logits, Batch Batch) ForwardBackwardInParts(TrainingState state, Batch batch, double shareOfBatch)
    {
        // A remainder joins the previous part, as in the loader, and the extra row that a rank may have joins the last part, so that all
        // ranks have the same number of parts.
        var least = Math.Max(state.Data.Train.LeastBatch, state.Ranks.Alone ? 1 : RankRows.Least);
        var spread = batch.Part is null ? batch.Count : batch.WholeExamples / RankRows.Busy(batch.WholeExamples, state.Ranks.Size);
        var size = Math.Max((spread + Options.Accumulate - 1) / Options.Accumulate, least);
        var (logits, targets) = (new List<Tensor>(), new List<PairTargets?>());
        var loss = 0.0;
        for (int first = 0, rows; first < batch.Count; first += rows)
        {
            using var part = NewDisposeScope();      // frees the part's graph before the next is built
            rows = spread - first < size + least ? batch.Count - first : size;
            var share = Options.Loss.Reduction == Reduction.Mean ? (double)rows / batch.Count : 1;
            var (some, trained) = ForwardBackward(state, batch.Rows(first, rows), share * shareOfBatch, loss);
            logits.Add(some.detach().MoveToOuterDisposeScope());
            targets.Add(trained.Targets);
            loss = state.Loss;
        }
        return (cat(logits, 0), batch.Targets is { } whole ? batch with { Targets = whole.With([.. targets.Select(one => one!)]) } : batch);
    }

    private static void SetTrainMetrics(TrainingState state)
    {
        var totals = state.Totals;
        state.Metrics.Clear();
        state.Metrics["train/loss"] = totals.Loss / totals.Images;
        state.Metrics["train/accuracy"] = totals.Hits / totals.Images;
        state.Metrics["learning_rate"] = state.LearningRate;
        state.Metrics["images_per_second"] = totals.Images / Math.Max(totals.Seconds, 1e-9);
        state.Metrics["data_wait"] = totals.Waited / Math.Max(totals.Seconds, 1e-9);
        if (!state.Ranks.Alone)
            state.Metrics["exchange_wait"] = totals.Exchanged / Math.Max(totals.Seconds, 1e-9);
        state.Metrics["mix/replaced_area"] = totals.ReplacedArea / totals.Images;
        state.Metrics["mix/share_mixed"] = totals.Mixed / totals.Images;
    }

    private void RunValidation(TrainingState state, BatchLoader loader, CancellationToken cancellation)
    {
        RankWeights.AverageBuffers(state.Ranks, state.Model);
        var result = EvaluationPass.Run(state, loader,
            start: () => Each(state, callback => callback.OnValidationStart(state)),
            batchStart: batch => Each(state, callback => callback.OnValidationBatchStart(state, batch)),
            batchEnd: batch => Each(state, callback => callback.OnValidationBatchEnd(state, batch)), cancellation);
        if (!double.IsFinite(result.Loss))
            throw NonFinite.Validation(state, result.Loss);
        state.Metrics["val/loss"] = result.Loss;
        if (result.MeanAveragePrecision is { } map)
            state.Metrics[ValidationError.OfSeveral] = 1 - map;
        else
        {
            state.Metrics[ValidationError.OfOneLabel] = result.Top1Error;
            state.Metrics["val/top5_error"] = result.Top5Error;
        }
        Each(state, callback => callback.OnValidationEnd(state));
    }

    private EvaluationResult RunTest(TrainingState state, BatchLoader loader, CancellationToken cancellation)
    {
        RankWeights.AverageBuffers(state.Ranks, state.Model);
        var result = EvaluationPass.Run(state, loader,
            start: () => Each(state, callback => callback.OnTestStart(state)),
            batchStart: batch => Each(state, callback => callback.OnTestBatchStart(state, batch)),
            batchEnd: batch => Each(state, callback => callback.OnTestBatchEnd(state, batch)), cancellation);
        state.Metrics["test/loss"] = result.Loss;
        if (result.MeanAveragePrecision is { } map)
            state.Metrics["test/map"] = map;
        else
        {
            state.Metrics["test/top1_error"] = result.Top1Error;
            state.Metrics["test/top5_error"] = result.Top5Error;
        }
        Each(state, callback => callback.OnTestEnd(state));
        return result;
    }

    private Batch OnDevice(Batch batch) => Options.Device.type == DeviceType.CPU ? batch : batch with
    {
        Images = batch.Images.to(Options.Device),
        Labels = batch.Labels.to(Options.Device),
        Targets = batch.Targets is { } targets
            ? new PairTargets(targets.A.to(Options.Device), targets.B.to(Options.Device), targets.Lambdas, targets.PartnerWeights) : null,
    };

    private void Each(TrainingState state, Action<Callback> hook)
    {
        foreach (var callback in Present(state))
            hook(callback);
    }

    // Callbacks that write files or print run on rank 0 only.
    private IEnumerable<Callback> Present(TrainingState state) =>
        state.Ranks.Leads ? callbacks : callbacks.Where(callback => !callback.OnFirstRankOnly);

    private Dictionary<string, JsonObject> States()
    {
        var states = new Dictionary<string, JsonObject>();
        foreach (var (callback, key) in callbacks.Zip(Checkpoint.Keys(callbacks)))
        {
            if (callback.StateDict() is { } saved)
                states[key] = saved;
        }
        return states;
    }

    private Dictionary<string, Tensor> Tensors()
    {
        var tensors = new Dictionary<string, Tensor>();
        foreach (var (callback, key) in callbacks.Zip(Checkpoint.Keys(callbacks)))
        {
            foreach (var (name, tensor) in callback.StateTensors() ?? new Dictionary<string, Tensor>())
                tensors[Checkpoint.TensorName(key, name)] = tensor;
        }
        return tensors;
    }
}

/// <summary>The result of a fit.</summary>
/// <param name="Epochs">Number of completed epochs.</param>
/// <param name="Steps">Number of optimizer steps.</param>
/// <param name="StopReason">Why it ended early, or null.</param>
/// <param name="Test">Result on the test set, or null when there was none.</param>
public sealed record FitResult(int Epochs, long Steps, string? StopReason, EvaluationResult? Test);
