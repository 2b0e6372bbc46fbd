using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Inference;
using Patchwork.Internals;
using Patchwork.Models;
using Patchwork.Recipes;
using Patchwork.Training;
using static TorchSharp.torch;

namespace Patchwork.Runs;

/// <summary>
/// The folder of a run: <c>recipe.json</c>, <c>environment.json</c>, <c>data.json</c>, <c>metrics.jsonl</c>, TensorBoard events,
/// <c>checkpoints/</c>, and <c>result.json</c> once the run is finished. The folder is created atomically.
/// </summary>
public sealed class RunFolder
{
    private RunFolder(string path, Recipe recipe) => (Path, Recipe) = (path, recipe);

    /// <summary>The path of the folder.</summary>
    public string Path { get; }

    /// <summary>The recipe of the run.</summary>
    public Recipe Recipe { get; }

    /// <summary>The checkpoints of the run.</summary>
    public CheckpointStore Checkpoints => new(System.IO.Path.Combine(Path, "checkpoints"));

    /// <summary>The file of metrics, with one line per epoch.</summary>
    public string Metrics => System.IO.Path.Combine(Path, "metrics.jsonl");

    /// <summary>The file that records what the run was made from.</summary>
    public string Data => System.IO.Path.Combine(Path, "data.json");

    /// <summary>The file with the finished run's numbers.</summary>
    public string Result => System.IO.Path.Combine(Path, "result.json");

    /// <summary>True once the run's result is written.</summary>
    public bool Finished => File.Exists(Result);

    /// <summary>
    /// Makes a folder name that every system allows from ids, for example from <c>mixup:0.3-or-cutmix:0.7</c> without its colons.
    /// </summary>
    /// <param name="parts">The ids, joined by hyphens.</param>
    public static string NameOf(params IReadOnlyList<string> parts) => string.Join('-', parts).Replace(':', '-');

    /// <summary>Creates the folder: it is written under another name and renamed, so that a partial folder is never visible.</summary>
    /// <param name="path">The path of the folder; must not exist.</param>
    /// <param name="recipe">The recipe of the run.</param>
    /// <param name="card">The card of its network.</param>
    /// <param name="environment">See <see cref="Provenance"/>.</param>
    /// <param name="data">The data that it is made from.</param>
    /// <exception cref="InputException">Something already exists there, or the place cannot be written.</exception>
    internal static RunFolder Create(string path, Recipe recipe, ModelCard card, JsonObject environment, RunData data)
    {
        path = System.IO.Path.GetFullPath(path);
        var isRun = File.Exists(System.IO.Path.Combine(path, "recipe.json"));
        AtomicFolder.Create(path, "A run", isRun ? $", or resume it with `TrainingRun.Resume(\"{path}\")`" : "", aside =>
        {
            var folder = new RunFolder(aside, recipe);
            Directory.CreateDirectory(folder.Checkpoints.Folder);
            AtomicFile.WriteText(System.IO.Path.Combine(aside, "recipe.json"), recipe.ToJson() + "\n");
            AtomicFile.WriteText(System.IO.Path.Combine(aside, "environment.json"), environment.ToJsonString(IndentedJson.Options) + "\n");
            AtomicFile.WriteText(folder.Checkpoints.Card, card.ToJson() + "\n");
            AtomicFile.WriteText(folder.Data, data.Record.ToJson() + "\n");
            if (data.HeldOut() is { } images)
                AtomicFile.WriteText(System.IO.Path.Combine(aside, "validation.csv"), images);
            File.WriteAllText(folder.Metrics, "");
        });
        return new RunFolder(path, recipe);
    }

    /// <summary>Opens the folder of a run.</summary>
    /// <exception cref="InputException">The folder is not the folder of a run.</exception>
    public static RunFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        var recipe = System.IO.Path.Combine(path, "recipe.json");
        if (!File.Exists(recipe))
            throw new InputException($"A run must be a folder with a recipe.json, created by train or compare. Received: {path}, which "
                + $"{(Directory.Exists(path) ? "has none" : "does not exist")}.{CheckpointStore.RunsIn(path)}");
        return new RunFolder(path, RecipePaths.Here(Recipe.FromStored(File.ReadAllText(recipe), recipe)));
    }

    /// <summary>Reads what the run was made from; null for a run that is older than such records.</summary>
    /// <exception cref="InputException">The record cannot be read.</exception>
    public DataRecord? ReadData() => File.Exists(Data) ? DataRecord.FromJson(File.ReadAllText(Data), Data) : null;

    /// <summary>
    /// Removes the lock of a process that worked in the folder on another machine and has ended; does nothing if there is none.
    /// </summary>
    /// <exception cref="InputException">The process still runs, on this machine.</exception>
    public static void BreakLock(string path) => RunLock.Break(path);

    /// <summary>Reads the numbers of a finished run.</summary>
    /// <exception cref="InputException">The numbers cannot be read.</exception>
    public RunResult ReadResult()
    {
        try
        {
            return RunResult.FromJson(File.ReadAllText(Result)) is { Last: not null, Best: not null } result ? result
                : throw new JsonException("it lacks the scores");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new InputException($"{Result} must hold the numbers of a finished run. Received: a file that cannot be read "
                + $"({error.Message.TrimEnd('.')}). Delete it, then `TrainingRun.Resume(\"{Path}\")` measures them again.", error);
        }
    }

    /// <summary>Loads the run's network with weights from a file; the caller owns it.</summary>
    /// <exception cref="InputException">The weights cannot be used.</exception>
    internal ImageClassifier LoadNetwork(string weights, Device device, Precision precision = Precision.Float32)
    {
        var model = ModelCard.Read(Checkpoints.Card).LoadModel(weights, device);
        model.Precision = precision;
        return model;
    }

    /// <summary>Deletes the TensorBoard events of a run that starts again at step 0: its steps would appear twice.</summary>
    internal void DeleteEvents()
    {
        foreach (var file in Directory.GetFiles(Path, "events.out.tfevents.*"))
            File.Delete(file);
    }

    internal void WriteResult(RunResult result) => AtomicFile.WriteText(Result, result.ToJson() + "\n");
}
