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
/// <c>checkpoints/</c>, and <c>result.json</c> once the run is finished. It appears whole or not at all.
/// </summary>
public sealed class RunFolder
{
    private RunFolder(string path, Recipe recipe) => (Path, Recipe) = (path, recipe);

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>What runs in it.</summary>
    public Recipe Recipe { get; }

    /// <summary>Its checkpoints.</summary>
    public CheckpointStore Checkpoints => new(System.IO.Path.Combine(Path, "checkpoints"));

    /// <summary>One line an epoch.</summary>
    public string Metrics => System.IO.Path.Combine(Path, "metrics.jsonl");

    /// <summary>What it was made from.</summary>
    public string Data => System.IO.Path.Combine(Path, "data.json");

    /// <summary>Where the finished run's numbers are.</summary>
    public string Result => System.IO.Path.Combine(Path, "result.json");

    /// <summary>True once the run's result is written.</summary>
    public bool Finished => File.Exists(Result);

    /// <summary>A folder's name that every system allows, of ids: of <c>mixup:0.3-or-cutmix:0.7</c> without its colons.</summary>
    /// <param name="parts">The ids, joined by hyphens.</param>
    public static string NameOf(params IReadOnlyList<string> parts) => string.Join('-', parts).Replace(':', '-');

    /// <summary>Creates the folder: written aside and renamed, so that nobody ever sees half of it.</summary>
    /// <param name="path">Where; must not exist.</param>
    /// <param name="recipe">What runs in it.</param>
    /// <param name="card">Its network.</param>
    /// <param name="environment">See <see cref="Provenance"/>.</param>
    /// <param name="data">What it is made from.</param>
    /// <exception cref="InputException">Something is there already, or the place cannot be written.</exception>
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
    /// <exception cref="InputException">The folder is not one.</exception>
    public static RunFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        var recipe = System.IO.Path.Combine(path, "recipe.json");
        if (!File.Exists(recipe))
            throw new InputException($"A run is a folder with a recipe.json, made by train or compare. "
                + $"Received: {path}, which {(Directory.Exists(path) ? "has none" : "does not exist")}.{CheckpointStore.RunsIn(path)}");
        return new RunFolder(path, RecipePaths.Here(Recipe.FromStored(File.ReadAllText(recipe), recipe)));
    }

    /// <summary>What the run was made from; null for a run that is older than such records.</summary>
    /// <exception cref="InputException">The record cannot be read.</exception>
    public DataRecord? ReadData() => File.Exists(Data) ? DataRecord.FromJson(File.ReadAllText(Data), Data) : null;

    /// <summary>
    /// Takes away the lock of a process that worked in the folder on another machine and has ended; nothing where there is none.
    /// </summary>
    /// <exception cref="InputException">The process still runs, on this machine.</exception>
    public static void BreakLock(string path) => RunLock.Break(path);

    /// <summary>The numbers of a finished run.</summary>
    /// <exception cref="InputException">They cannot be read.</exception>
    public RunResult ReadResult()
    {
        try
        {
            return RunResult.FromJson(File.ReadAllText(Result)) is { Last: not null, Best: not null } result ? result
                : throw new JsonException("it lacks the scores");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new InputException($"{Result} must hold the numbers of a finished run. Received a file that cannot be read "
                + $"({error.Message.TrimEnd('.')}). Delete it, then `TrainingRun.Resume(\"{Path}\")` measures them again.", error);
        }
    }

    /// <summary>The run's network with weights from a file; owned by the caller.</summary>
    /// <exception cref="InputException">The weights cannot be used.</exception>
    internal ImageClassifier LoadNetwork(string weights, Device device, Precision precision = Precision.Float32)
    {
        var model = ModelCard.Read(Checkpoints.Card).LoadModel(weights, device);
        model.Precision = precision;
        return model;
    }

    /// <summary>Deletes the TensorBoard events of a run that begins at step 0 again: its steps would appear twice.</summary>
    internal void DeleteEvents()
    {
        foreach (var file in Directory.GetFiles(Path, "events.out.tfevents.*"))
            File.Delete(file);
    }

    internal void WriteResult(RunResult result) => AtomicFile.WriteText(Result, result.ToJson() + "\n");
}
