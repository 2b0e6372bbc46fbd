using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Formats;
using Patchwork.Internals;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>
/// The checkpoints of a run: <c>last.*</c> (weights, optimizer, tensors of callbacks if there are any, state), the generation before it as
/// <c>previous.*</c>, and the weights of the best epoch. One complete generation exists at every moment, even in the middle of a write.
/// </summary>
/// <remarks>
/// A generation is written as <c>last.*.new</c>, the state last; the state lists the other files by length and SHA-256. Only then are the
/// files renamed, one by one. A reader looks for files that match a state under all three names, so a kill between two renames loses
/// nothing.
/// </remarks>
public sealed class CheckpointStore(string folder)
{
    private const string StateFile = "state.json";
    private const string WeightsPart = "safetensors", OptimizerPart = "optimizer", CallbacksPart = "callbacks";
    private static readonly string[] Parts = [WeightsPart, OptimizerPart, CallbacksPart];

    /// <summary>The folder; in a run folder it is <c>checkpoints</c>.</summary>
    public string Folder { get; } = folder;

    /// <summary>Weights of the last checkpoint.</summary>
    public string LastWeights => Path.Combine(Folder, "last.safetensors");

    /// <summary>Weights of the best epoch so far.</summary>
    public string BestWeights => Path.Combine(Folder, "best.safetensors");

    /// <summary>The card: model, input and class names, which using the network requires besides its weights.</summary>
    public string Card => Path.Combine(Folder, "model.json");

    /// <summary>Names the runs in a folder that is not a run itself, as a sentence to append; empty if there are none.</summary>
    internal static string RunsIn(string folder)
    {
        const int named = 4;
        string[] runs = Directory.Exists(folder)
            ? [.. Directory.EnumerateDirectories(folder).Where(inner => File.Exists(Path.Combine(inner, "recipe.json")))
                .Order(StringComparer.Ordinal)] : [];
        return runs.Length == 0 ? ""
            : $" There {(runs.Length == 1 ? "is a run" : $"are {runs.Length} runs")} in it; "
                + $"name one: {string.Join(", ", runs.Take(named))}{(runs.Length > named ? ", …" : "")}.";
    }

    /// <summary>
    /// Writes a generation: weights, optimizer, position, totals, and the state of every callback. With several ranks, all of them call
    /// this and rank 0 writes.
    /// </summary>
    public void Save(TrainingState state)
    {
        var others = RankWeights.GatherBuffers(state.Ranks, state.Model);
        if (!state.Ranks.Leads)
            return;
        Directory.CreateDirectory(Folder);
        try
        {
            WriteAside(state, others);
        }
        catch
        {
            // On a full disk, a partial generation would take the space that the next one needs.
            foreach (var part in (string[])[.. Parts, StateFile])
                File.Delete(New(part));
            throw;
        }
        finally
        {
            foreach (var buffers in others.Values)
                buffers.Dispose();
        }
        Rotate();
    }

    private void WriteAside(TrainingState state, IReadOnlyDictionary<string, Tensor> buffersOfOthers)
    {
        var files = new JsonObject();
        Safetensors.Save(New(WeightsPart), state.Model.state_dict());
        files[WeightsPart] = Fingerprint(New(WeightsPart));
        state.Optimizer.save_state_dict(New(OptimizerPart));
        using (var written = new FileStream(New(OptimizerPart), FileMode.Open, FileAccess.ReadWrite))
            written.Flush(flushToDisk: true);
        files[OptimizerPart] = Fingerprint(New(OptimizerPart));
        if (state.CallbackTensors().Concat(buffersOfOthers).ToDictionary() is { Count: > 0 } tensors)
        {
            Safetensors.Save(New(CallbacksPart), tensors);
            files[CallbacksPart] = Fingerprint(New(CallbacksPart));
        }
        var document = Checkpoint.Describe(state);
        document["files"] = files;
        document["sha256"] = Seal(document);
        AtomicFile.WriteText(New(StateFile), document.ToJsonString(Checkpoint.Json) + "\n");
    }

    /// <summary>
    /// Deletes the generation before the last: once a fit has ended, no further write can be interrupted. With Adam, a generation is three
    /// times as large as its network.
    /// </summary>
    internal void Finish()
    {
        foreach (var part in (string[])[.. Parts, StateFile])
            File.Delete(Path.Combine(Folder, "previous." + part));
    }

    /// <summary>Saves the weights used for validation as the best so far.</summary>
    public void SaveBest(TrainingState state)
    {
        if (!state.Ranks.Leads)
            return;
        Directory.CreateDirectory(Folder);
        Safetensors.Save(BestWeights, state.EvaluationWeights());
    }

    /// <summary>
    /// Loads the latest complete generation, or returns null if there is none yet. Calls <paramref name="warn"/> if a newer one is damaged.
    /// </summary>
    /// <exception cref="InputException">There are checkpoints, but none is intact.</exception>
    public Checkpoint? Load(Action<string> warn)
    {
        if (!Directory.Exists(Folder))
            return null;
        string? damage = null;
        var seen = false;
        foreach (var name in (string[])["last." + StateFile + ".new", "last." + StateFile, "previous." + StateFile])
        {
            var path = Path.Combine(Folder, name);
            if (!File.Exists(path))
                continue;
            var unfinished = name.EndsWith(".new", StringComparison.Ordinal);
            seen |= !unfinished;
            if (Find(path, out var state, out var parts, out var fault))
            {
                if (damage is not null)
                    warn($"The latest checkpoint in {Folder} is damaged ({damage}); resuming from the one before it.");
                if (unfinished)
                {
                    Rotate();      // a kill between two renames: give the files their final names
                    parts = parts.Keys.ToDictionary(part => part, part => Path.Combine(Folder, "last." + part));
                }
                return new Checkpoint(state, parts[WeightsPart], parts[OptimizerPart], parts.GetValueOrDefault(CallbacksPart));
            }
            if (!unfinished)
                damage ??= fault;
        }
        return seen
            ? throw new InputException($"The checkpoints in {Folder} are damaged ({damage}) and no earlier one is intact. Start the run "
                + "again in a new folder.")
            : null;
    }

    private void Rotate()
    {
        foreach (var part in (string[])[.. Parts, StateFile])
        {
            if (!File.Exists(New(part)))
                continue;      // already renamed before a kill
            var last = Path.Combine(Folder, "last." + part);
            if (File.Exists(last))
                Files.Replace(last, Path.Combine(Folder, "previous." + part));
            Files.Replace(New(part), last);
        }
    }

    private bool Find(string path, out JsonObject state, out Dictionary<string, string> parts, out string fault)
    {
        (state, parts, fault) = ([], [], "");
        try
        {
            state = JsonNode.Parse(File.ReadAllText(path)).Required().AsObject();
            var seal = (string?)state["sha256"];
            state.Remove("sha256");
            if (seal != Seal(state))
            {
                fault = $"{Path.GetFileName(path)} does not match its own checksum";
                return false;
            }
            foreach (var part in Parts)
            {
                var expected = state.Required("files")[part];
                if (expected is null && part == CallbacksPart)
                    continue;      // no callback had tensors
                var found = ((string[])["last." + part + ".new", "last." + part, "previous." + part])
                    .Select(name => Path.Combine(Folder, name))
                    .FirstOrDefault(candidate => Fits(candidate, expected));
                if (found is null)
                {
                    fault = $"last.{part} is missing or does not match its checksum in {Path.GetFileName(path)}";
                    return false;
                }
                parts[part] = found;
            }
            return true;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            fault = $"{Path.GetFileName(path)} is not the state of a checkpoint";
            return false;
        }
    }

    private string New(string part) => Path.Combine(Folder, $"last.{part}.new");

    // A state contains the checksums of the other files and its own.
    private static string Seal(JsonObject document) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(document.ToJsonString())));

    // Compares the length first, so that a truncated file is not read to the end.
    private static bool Fits(string path, JsonNode? expected) =>
        File.Exists(path) && new FileInfo(path).Length == (long?)expected?["bytes"] && JsonNode.DeepEquals(Fingerprint(path), expected);

    /// <summary>Length and SHA-256 of the last and the best weights, as far as they exist.</summary>
    internal JsonObject WeightsFingerprint()
    {
        (string Name, string Path)[] weights = [("last", LastWeights), ("best", BestWeights)];
        return new(weights.Where(one => File.Exists(one.Path))
            .Select(one => KeyValuePair.Create(one.Name, (JsonNode?)Fingerprint(one.Path))));
    }

    private static JsonObject Fingerprint(string path)
    {
        using var stream = File.OpenRead(path);
        return new JsonObject { ["bytes"] = stream.Length, ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(stream)) };
    }
}
