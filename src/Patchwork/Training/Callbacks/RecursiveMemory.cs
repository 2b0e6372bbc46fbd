using Patchwork.Models;
using Patchwork.Plans;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>What a recursive mixer needs of the training: the batch of the step before, and the features that its loss compares.</summary>
internal sealed class RecursiveMemory : IDisposable
{
    private readonly IRecursiveMixer mixer;
    private readonly ImageClassifier? network;
    private readonly Device device;
    private Tensor? features;
    private EarlierBatch? next, used;

    /// <exception cref="InputException">The training is divided: over ranks, parts of a batch, or two halves.</exception>
    public RecursiveMemory(IRecursiveMixer mixer, TrainingState state, bool cleanHalf)
    {
        if (!state.Ranks.Alone || state.Options.Accumulate > 1 || cleanHalf)
            throw new InputException($"{mixer.Id} keeps the whole batch of the step before and so needs one rank, no gradient accumulation "
                + $"and no clean half. Received: {(!state.Ranks.Alone ? $"{state.Ranks.Size} ranks" : cleanHalf ? "a clean half"
                : $"Accumulate = {state.Options.Accumulate}")}.");
        (this.mixer, device) = (mixer, state.Options.Device);
        if (mixer.ConsistencyWeight == 0)
            return;
        network = state.Model is ImageClassifier { HasFeatureMaps: true } known ? known
            : throw new InputException($"{mixer.Id} compares feature maps and so needs a convolutional network of the catalogue. Received: "
                + $"{state.Model.GetName()}. Set its consistency weight to 0, or choose another network.");
        network.LastMap = Keep;
    }

    /// <summary>The batch of the step before; null in the first step.</summary>
    public EarlierBatch? Earlier { get; private set; }

    /// <summary>The loss that is added for each image of a batch that was mixed recursively, (N); null for other batches.</summary>
    public Tensor? Consistency(Batch batch) =>
        network is not null && batch is { Plan: { Earlier: > 0 } plan, Earlier: { } earlier } && plan.Method == mixer.Id
            ? mixer.Consistency(features!, network.Head, plan, earlier) : null;

    /// <summary>Keeps a batch and its logits for the next step. The batch of the step before stays until then.</summary>
    public void Note(Batch batch, Tensor logits)
    {
        next?.Dispose();
        next = EarlierBatch.Of(batch, logits);
    }

    /// <summary>Ends a step.</summary>
    public void Advance()
    {
        Forget();
        if (next is null)
            return;
        Release();
        (used, Earlier, next) = (Earlier, next, null);
    }

    /// <summary>Frees the batch that the last step was mixed with; callbacks may read it until the step is over.</summary>
    public void Release()
    {
        used?.Dispose();
        used = null;
    }

    /// <summary>The tensors for a checkpoint; null in the first step.</summary>
    public IReadOnlyDictionary<string, Tensor>? Tensors() => Earlier is not { } earlier ? null : new Dictionary<string, Tensor>
    {
        ["images"] = earlier.Images,
        ["labels"] = earlier.Labels,
        ["logits"] = earlier.Logits,
    };

    /// <summary>Restores the tensors of a checkpoint.</summary>
    public void Load(IReadOnlyDictionary<string, Tensor> tensors)
    {
        Tensor Copy(string name) => tensors[name].to(device, copy: true).DetachFromDisposeScope();
        Earlier?.Dispose();
        Earlier = !tensors.ContainsKey("images") ? null : new EarlierBatch(Copy("images"), Copy("labels"), Copy("logits"));
    }

    public void Dispose()
    {
        if (network is not null)
            network.LastMap = null;
        Forget();
        Release();
        next?.Dispose();
        Earlier?.Dispose();
        (next, Earlier) = (null, null);
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
