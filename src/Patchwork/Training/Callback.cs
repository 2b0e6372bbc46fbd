using System.Text.Json.Nodes;
using Patchwork.Plans;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>
/// Something that happens around the loop. The hooks are Lightning's; their order is the pseudocode on top of <c>Trainer.cs</c>. Callbacks
/// run in the order they were given, those that <see cref="RunsLast"/> after the others. Unlike Lightning's, a callback may replace the
/// batch and wrap
/// <see cref="TrainingState.TrainLoss"/>.
/// </summary>
public abstract class Callback
{
    /// <summary>True for callbacks that must see what the others did, such as checkpoints.</summary>
    public virtual bool RunsLast => false;

    /// <summary>
    /// True for callbacks that write files or speak: with several ranks they are called on rank 0 alone, and must not exchange anything
    /// with the others. Default false: called on every rank.
    /// </summary>
    public virtual bool OnFirstRankOnly => false;

    /// <summary>
    /// The fit begins; the model is on its device, nothing is loaded yet. Undo in <see cref="OnFitEnd"/> what is set up here.
    /// </summary>
    public virtual void OnFitStart(TrainingState state) { }

    /// <summary>Training begins; on resume everything is loaded.</summary>
    public virtual void OnTrainStart(TrainingState state) { }

    /// <summary>An epoch begins (on resume inside an epoch: goes on).</summary>
    public virtual void OnTrainEpochStart(TrainingState state) { }

    /// <summary>A batch is about to be used. Return it, or another in its place.</summary>
    public virtual Batch OnTrainBatchStart(TrainingState state, Batch batch) => batch;

    /// <summary>The loss is known, no gradient yet.</summary>
    public virtual void OnBeforeBackward(TrainingState state) { }

    /// <summary>The gradients of this batch are there.</summary>
    public virtual void OnAfterBackward(TrainingState state) { }

    /// <summary>The gradients are complete, not yet clipped.</summary>
    public virtual void OnBeforeOptimizerStep(TrainingState state) { }

    /// <summary>The weights have changed; <see cref="TrainingState.Step"/> counts this step already.</summary>
    public virtual void OnTrainBatchEnd(TrainingState state, Batch batch) { }

    /// <summary>An epoch is complete, validation included; its metrics are in <see cref="TrainingState.Metrics"/>.</summary>
    public virtual void OnTrainEpochEnd(TrainingState state) { }

    /// <summary>Validation begins; the model is in evaluation mode.</summary>
    public virtual void OnValidationStart(TrainingState state) { }

    /// <summary>A validation batch is about to be used.</summary>
    public virtual void OnValidationBatchStart(TrainingState state, Batch batch) { }

    /// <summary>A validation batch has been counted.</summary>
    public virtual void OnValidationBatchEnd(TrainingState state, Batch batch) { }

    /// <summary>Validation is complete.</summary>
    public virtual void OnValidationEnd(TrainingState state) { }

    /// <summary>The test begins; the model is in evaluation mode.</summary>
    public virtual void OnTestStart(TrainingState state) { }

    /// <summary>A test batch is about to be used.</summary>
    public virtual void OnTestBatchStart(TrainingState state, Batch batch) { }

    /// <summary>A test batch has been counted.</summary>
    public virtual void OnTestBatchEnd(TrainingState state, Batch batch) { }

    /// <summary>The test is complete.</summary>
    public virtual void OnTestEnd(TrainingState state) { }

    /// <summary>The last epoch is complete, or a stop was asked for.</summary>
    public virtual void OnTrainEnd(TrainingState state) { }

    /// <summary>Always called, in reverse order, for each callback whose <see cref="OnFitStart"/> ran; also when the fit throws.</summary>
    public virtual void OnFitEnd(TrainingState state) { }

    /// <summary>
    /// The fit failed or was cancelled; <see cref="OnFitEnd"/> follows. Called for each callback whose <see cref="OnFitStart"/> ran.
    /// </summary>
    public virtual void OnException(TrainingState state, Exception exception) { }

    /// <summary>What must be remembered in a checkpoint, or null.</summary>
    public virtual JsonObject? StateDict() => null;

    /// <summary>Takes up what <see cref="StateDict"/> returned when the checkpoint was written.</summary>
    public virtual void LoadStateDict(JsonObject state) { }

    /// <summary>Tensors that must be remembered in a checkpoint, by name, or null. They stay the callback's.</summary>
    public virtual IReadOnlyDictionary<string, Tensor>? StateTensors() => null;

    /// <summary>
    /// Takes up what <see cref="StateTensors"/> returned when the checkpoint was written. The tensors are on the CPU and freed afterwards:
    /// copy them.
    /// </summary>
    public virtual void LoadStateTensors(IReadOnlyDictionary<string, Tensor> tensors) { }
}
