using Patchwork.Mixing;
using Patchwork.Plans;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>
/// What a kind of mixer needs of the training besides its batch. It takes part in every step of <see cref="MixingCallback"/>, in the order
/// of its members; each does nothing unless it is overridden.
/// </summary>
internal abstract class MixingCompanion : IDisposable
{
    /// <summary>Adds the companions of the mixers that can be chosen; most mixers have none.</summary>
    /// <param name="companions">Receives each companion as it is created; the caller disposes them, even if this throws.</param>
    /// <param name="mixer">The mixer.</param>
    /// <param name="state">The training.</param>
    /// <param name="cleanHalf">Whether it also trains on the clean images.</param>
    /// <exception cref="InputException">A mixer cannot be trained in this way or with this network.</exception>
    public static void Add(List<MixingCompanion> companions, Mixer mixer, TrainingState state, bool cleanHalf)
    {
        if (mixer.Parts.OfType<ILabelWeigher>().ToArray() is { Length: > 0 } weighers)
            companions.Add(new LabelWeighing(weighers, state));
        if (mixer.Parts.OfType<IRecursiveMixer>().FirstOrDefault() is { } recursive)
            companions.Add(new RecursiveMemory(recursive, state, cleanHalf));
        if (mixer.Parts.OfType<ITrainedMixer>().FirstOrDefault() is { } trained)
            companions.Add(new MaskTraining(trained, state));
    }

    /// <summary>Begins a step, mixed or not.</summary>
    public virtual void Begin() { }

    /// <summary>Adds what a batch needs before it is planned.</summary>
    public virtual Batch Complete(Batch batch) => batch;

    /// <summary>Adds what the plan of a batch needs.</summary>
    public virtual MixContext Complete(MixContext context, Batch batch) => context;

    /// <summary>Trains what is trained beside the classifier, on a batch that is not mixed yet.</summary>
    /// <param name="state">The training.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="alpha">α of λ at this time; null: that of the mixer.</param>
    public virtual void Train(TrainingState state, Batch batch, double? alpha) { }

    /// <summary>Whether a batch of this plan also trains on the clean images.</summary>
    public virtual bool AddsCleanHalf(MixPlan plan) => false;

    /// <summary>Changes a mixed batch when its logits are known.</summary>
    public virtual Batch BeforeLoss(Batch batch, Tensor logits) => batch;

    /// <summary>A loss that is added for each image of a batch, (N); null: none.</summary>
    public virtual Tensor? AddedLoss(Batch batch) => null;

    /// <summary>Ends a step, after that of the optimizer.</summary>
    public virtual void End() { }

    /// <summary>The tensors for a checkpoint.</summary>
    public virtual IEnumerable<KeyValuePair<string, Tensor>> Tensors() => [];

    /// <summary>Restores the tensors of a checkpoint, which has those of other companions too.</summary>
    public virtual void Load(IReadOnlyDictionary<string, Tensor> tensors) { }

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Rejects a training that divides its batches.</summary>
    /// <param name="mixer">The mixer that needs whole batches.</param>
    /// <param name="reason">What the mixer does, after its name.</param>
    /// <param name="state">The training.</param>
    /// <exception cref="InputException">There are several ranks, or gradients are accumulated.</exception>
    private protected static void RequireWholeBatches(IMethod mixer, string reason, TrainingState state)
    {
        if (!state.Ranks.Alone || state.Options.Accumulate > 1)
            throw new InputException($"{mixer.Id} {reason} and so needs one rank and no gradient accumulation. Received: "
                + $"{(!state.Ranks.Alone ? $"{state.Ranks.Size} ranks" : $"Accumulate = {state.Options.Accumulate}")}.");
    }
}
