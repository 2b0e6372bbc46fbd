using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Formats;
using Patchwork.Internals;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>
/// The state that a fit can resume from: weights, optimizer, position, totals of the epoch in progress, and the state of callbacks.
/// </summary>
public sealed class Checkpoint
{
    internal static JsonSerializerOptions Json => IndentedJson.Options;

    private const int Version = 1;
    private readonly JsonObject state;
    private readonly string weights, optimizer;
    private readonly string? callbackTensors;

    internal Checkpoint(JsonObject state, string weights, string optimizer, string? callbackTensors)
    {
        if ((int?)state["version"] != Version)
            throw new InputException($"A checkpoint must have version {Version}. Received: version {state["version"]} next to {weights}. "
                + "Resume it with the release that wrote it.");
        (this.state, this.weights, this.optimizer, this.callbackTensors) = (state, weights, optimizer, callbackTensors);
    }

    /// <summary>The number of <see cref="Files"/>.</summary>
    internal const int FileCount = 3;

    /// <summary>The stored state of the fit.</summary>
    internal JsonObject State => state;

    /// <summary>The paths of the weights, the optimizer, and the tensors of callbacks, if there are any.</summary>
    internal string?[] Files => [weights, optimizer, callbackTensors];

    /// <summary>Number of processes that trained together; the same number gives bit-identical results.</summary>
    public int Ranks => (int?)state["ranks"] ?? 1;      // missing in older checkpoints

    /// <summary>Number of completed epochs.</summary>
    public int Epoch => (int)state["epoch"]!;

    /// <summary>Number of completed steps of the epoch in progress.</summary>
    public int StepInEpoch => (int)state["stepInEpoch"]!;

    /// <summary>Number of torch threads that the run used; the same number gives bit-identical results.</summary>
    public int TorchThreads => (int)state["torchThreads"]!;

    /// <summary>The state as it is stored, without the fingerprints of the other files.</summary>
    internal static JsonObject Describe(TrainingState state)
    {
        var callbacks = new JsonObject();
        foreach (var (key, saved) in state.CallbackStates())
            callbacks[key] = saved;
        var totals = state.Totals;
        return new JsonObject
        {
            ["version"] = Version,
            ["epoch"] = state.Epoch,
            ["stepInEpoch"] = state.StepInEpoch,
            ["torchThreads"] = get_num_threads(),
            ["ranks"] = state.Ranks.Size,
            ["totals"] = new JsonObject
            {
                ["images"] = totals.Images,
                ["loss"] = totals.Loss,
                ["hits"] = totals.Hits,
                ["replacedArea"] = totals.ReplacedArea,
                ["mixed"] = totals.Mixed,
                ["seconds"] = totals.Seconds,
                ["waited"] = totals.Waited,
                ["exchanged"] = totals.Exchanged,
            },
            ["callbacks"] = callbacks,
        };
    }

    /// <summary>Names under which callbacks are stored: their type, numbered if there are several of the same type.</summary>
    internal static IEnumerable<string> Keys(IReadOnlyList<Callback> callbacks)
    {
        var counts = new Dictionary<string, int>();
        foreach (var callback in callbacks)
        {
            var name = callback.GetType().Name;
            counts[name] = counts.GetValueOrDefault(name) + 1;
            yield return counts[name] == 1 ? name : $"{name}#{counts[name]}";
        }
    }

    /// <summary>Name of a callback's tensor in the file of all callbacks' tensors.</summary>
    internal static string TensorName(string key, string name) => $"{key}/{name}";

    internal void LoadWeights(nn.Module model) => Safetensors.LoadInto(weights, model);

    internal void LoadOptimizer(OptimizerHelper target)
    {
        // torch's loader leaves its tensors in the calling thread's dispose scope, which would free them while the optimizer uses them. So
        // load on a thread without a scope.
        Exception? failure = null;
        var loading = new Thread(() =>
        {
            try
            {
                target.load_state_dict(optimizer);
            }
            catch (Exception error)
            {
                failure = error;
            }
        });
        loading.Start();
        loading.Join();
        if (failure is not null)
            throw new InputException($"The optimizer's state {optimizer} must fit the recipe's optimizer and model. Received: one that "
                + $"does not ({failure.Message}). Resume with the recipe of the run.", failure);
    }

    internal void LoadState(TrainingState target, IReadOnlyList<Callback> callbacks)
    {
        (target.Epoch, target.StepInEpoch) = (Epoch, StepInEpoch);
        var totals = state["totals"]!;
        target.Totals.Images = (long)totals["images"]!;
        target.Totals.Loss = (double)totals["loss"]!;
        target.Totals.Hits = (double)totals["hits"]!;
        target.Totals.ReplacedArea = (double)totals["replacedArea"]!;
        target.Totals.Mixed = (double)totals["mixed"]!;
        target.Totals.Seconds = (double)totals["seconds"]!;
        target.Totals.Waited = (double)totals["waited"]!;
        target.Totals.Exchanged = (double?)totals["exchanged"] ?? 0;      // missing in older checkpoints
        foreach (var (callback, key) in callbacks.Zip(Keys(callbacks)))
        {
            if (state["callbacks"]![key] is JsonObject saved)
                callback.LoadStateDict(saved);
        }
        if (callbackTensors is not null)
            LoadTensors(callbackTensors, callbacks, target);
    }

    private static void LoadTensors(string path, IReadOnlyList<Callback> callbacks, TrainingState target)
    {
        var all = Safetensors.Load(path);
        try
        {
            RankWeights.LoadBuffers(target.Ranks, target.Model, all);      // with several ranks
            foreach (var (callback, key) in callbacks.Zip(Keys(callbacks)))
            {
                var prefix = TensorName(key, "");
                var own = all.Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal))
                    .ToDictionary(entry => entry.Key[prefix.Length..], entry => entry.Value);
                if (own.Count > 0)
                    callback.LoadStateTensors(own);
            }
        }
        finally
        {
            foreach (var tensor in all.Values)
                tensor.Dispose();
        }
    }
}
