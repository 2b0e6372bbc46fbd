using System.Text.Json.Nodes;
using Patchwork.Plans;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>
/// The base class for code that hooks into the training loop. The hooks are those of Lightning; the pseudocode at the top of
/// <c>Trainer.cs</c> shows their order. Callbacks run in the order in which they were given, those with <see cref="RunsLast"/> after the
/// others. Unlike in Lightning, a callback may replace the batch and wrap <see cref="TrainingState.TrainLoss"/>.
/// </summary>
public abstract class Callback
{
    /// <summary>True for callbacks that must see the effects of the others, such as checkpointing.</summary>
    public virtual bool RunsLast => false;

    /// <summary>
    /// True for callbacks that write files or print: with several ranks they are called on rank 0 only, and must not communicate with the
    /// other ranks. Default false: called on every rank.
    /// </summary>
    public virtual bool OnFirstRankOnly => false;

    /// <summary>
    /// Called when the fit starts: the model is on its device, nothing is loaded yet. Undo in <see cref="OnFitEnd"/> whatever is set up
    /// here.
    /// </summary>
    public virtual void OnFitStart(TrainingState state) { }

    /// <summary>Called when training starts; on resume, everything has been loaded.</summary>
    public virtual void OnTrainStart(TrainingState state) { }

    /// <summary>Called when an epoch starts, or continues after a resume within it.</summary>
    public virtual void OnTrainEpochStart(TrainingState state) { }

    /// <summary>Called before a batch is used. Return the batch, or another one in its place.</summary>
    public virtual Batch OnTrainBatchStart(TrainingState state, Batch batch) => batch;

    /// <summary>
    /// Called after the forward pass and before the loss. Return the batch, or the same images with other <see cref="Batch.Targets"/>. With
    /// gradient accumulation it is called for each part of the batch.
    /// </summary>
    public virtual Batch OnBeforeLoss(TrainingState state, Batch batch, Tensor logits) => batch;

    /// <summary>Called when the loss is known, before the backward pass.</summary>
    public virtual void OnBeforeBackward(TrainingState state) { }

    /// <summary>Called after the backward pass of this batch.</summary>
    public virtual void OnAfterBackward(TrainingState state) { }

    /// <summary>Called when the gradients are complete, before they are clipped.</summary>
    public virtual void OnBeforeOptimizerStep(TrainingState state) { }

    /// <summary>Called after the weights have been updated; <see cref="TrainingState.Step"/> already counts this step.</summary>
    public virtual void OnTrainBatchEnd(TrainingState state, Batch batch) { }

    /// <summary>Called when an epoch is complete, including validation; its metrics are in <see cref="TrainingState.Metrics"/>.</summary>
    public virtual void OnTrainEpochEnd(TrainingState state) { }

    /// <summary>Called when validation starts; the model is in evaluation mode.</summary>
    public virtual void OnValidationStart(TrainingState state) { }

    /// <summary>Called before a validation batch is used.</summary>
    public virtual void OnValidationBatchStart(TrainingState state, Batch batch) { }

    /// <summary>Called after a validation batch has been counted.</summary>
    public virtual void OnValidationBatchEnd(TrainingState state, Batch batch) { }

    /// <summary>Called when validation is complete.</summary>
    public virtual void OnValidationEnd(TrainingState state) { }

    /// <summary>Called when the test starts; the model is in evaluation mode.</summary>
    public virtual void OnTestStart(TrainingState state) { }

    /// <summary>Called before a test batch is used.</summary>
    public virtual void OnTestBatchStart(TrainingState state, Batch batch) { }

    /// <summary>Called after a test batch has been counted.</summary>
    public virtual void OnTestBatchEnd(TrainingState state, Batch batch) { }

    /// <summary>Called when the test is complete.</summary>
    public virtual void OnTestEnd(TrainingState state) { }

    /// <summary>Called when the last epoch is complete or the fit was stopped.</summary>
    public virtual void OnTrainEnd(TrainingState state) { }

    /// <summary>Always called, in reverse order, for each callback whose <see cref="OnFitStart"/> ran; also when the fit throws.</summary>
    public virtual void OnFitEnd(TrainingState state) { }

    /// <summary>
    /// Called when the fit failed or was cancelled, before <see cref="OnFitEnd"/>, for each callback whose <see cref="OnFitStart"/> ran.
    /// </summary>
    public virtual void OnException(TrainingState state, Exception exception) { }

    /// <summary>Returns the state to store in a checkpoint, or null.</summary>
    public virtual JsonObject? StateDict() => null;

    /// <summary>Restores the state that <see cref="StateDict"/> returned when the checkpoint was written.</summary>
    public virtual void LoadStateDict(JsonObject state) { }

    /// <summary>Returns the tensors to store in a checkpoint, by name, or null. The callback keeps ownership of them.</summary>
    public virtual IReadOnlyDictionary<string, Tensor>? StateTensors() => null;

    /// <summary>
    /// Restores the tensors that <see cref="StateTensors"/> returned when the checkpoint was written. They are on the CPU and are disposed
    /// afterwards: copy them.
    /// </summary>
    public virtual void LoadStateTensors(IReadOnlyDictionary<string, Tensor> tensors) { }
}
