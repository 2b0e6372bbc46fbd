using Patchwork.Models;
using Patchwork.Plans;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>What a recursive mixer needs of the training: the batch of the step before, and the features that its loss compares.</summary>
internal sealed class RecursiveMemory : MixingCompanion
{
    private readonly IRecursiveMixer mixer;
    private readonly ImageClassifier? network;
    private readonly Device device;
    private Tensor? features;
    private EarlierBatch? earlier, next, used;      // of the step before, of this step, of the step before that

    /// <exception cref="InputException">The training is divided: over ranks, parts of a batch, or two halves.</exception>
    public RecursiveMemory(IRecursiveMixer mixer, TrainingState state, bool cleanHalf)
    {
        RequireWholeBatches(mixer, "keeps the whole batch of the step before", state);
        if (cleanHalf)
            throw new InputException($"{mixer.Id} keeps the batch of the step before, whose two halves would mix with each other. "
                + "Received: a clean half. Omit it.");
        (this.mixer, device) = (mixer, state.Options.Device);
        if (mixer.ConsistencyWeight == 0)
            return;
        network = state.Model is ImageClassifier { HasFeatureMaps: true } known ? known
            : throw new InputException($"{mixer.Id} compares feature maps and so needs a convolutional network of the catalogue. Received: "
                + $"{state.Model.GetName()}. Set its consistency weight to 0, or choose another network.");
        network.LastMap = Keep;
    }

    /// <summary>Frees the batch that the last step was mixed with; callbacks may read it until the step is over.</summary>
    public override void Begin()
    {
        used?.Dispose();
        used = null;
    }

    public override Batch Complete(Batch batch) => batch with { Earlier = earlier };

    /// <summary>Keeps a batch and its logits for the next step. The batch of the step before stays until then.</summary>
    public override Batch BeforeLoss(Batch batch, Tensor logits)
    {
        next?.Dispose();
        next = EarlierBatch.Of(batch, logits);
        return batch;
    }

    /// <summary>The consistency loss of a batch that was mixed recursively.</summary>
    public override Tensor? AddedLoss(Batch batch) =>
        network is not null && batch is { Plan: { Earlier: > 0 } plan, Earlier: { } before } && plan.Method == mixer.Id
            ? mixer.Consistency(features!, network.Head, plan, before) : null;

    public override void End()
    {
        Forget();
        if (next is null)
            return;
        Begin();
        (used, earlier, next) = (earlier, next, null);
    }

    public override IEnumerable<KeyValuePair<string, Tensor>> Tensors() => earlier is null ? []
        : [new("images", earlier.Images), new("labels", earlier.Labels), new("logits", earlier.Logits)];

    public override void Load(IReadOnlyDictionary<string, Tensor> tensors)
    {
        Tensor Copy(string name) => tensors[name].to(device, copy: true).DetachFromDisposeScope();
        earlier?.Dispose();
        earlier = !tensors.ContainsKey("images") ? null : new EarlierBatch(Copy("images"), Copy("labels"), Copy("logits"));
    }

    public override void Dispose()
    {
        if (network is not null)
            network.LastMap = null;
        Forget();
        Begin();
        next?.Dispose();
        earlier?.Dispose();
        (next, earlier) = (null, null);
    }

    // A second handle: the network frees its own at the end of the pass.
    private void Keep(Tensor map)
    {
        Forget();
        features = map.alias().DetachFromDisposeScope();
    }

    private void Forget()
    {
        features?.Dispose();
        features = null;
    }
}
