using Patchwork.Data;
using Patchwork.Formats;
using Patchwork.Inference;
using Patchwork.Internals;
using Patchwork.Interop;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Runs;

/// <summary>
/// Carries a recipe out in a run folder: data, model, trainer, test. What the command line's <c>train</c> does, as a library call.
/// </summary>
public sealed class TrainingRun
{
    private readonly ResolvedRecipe resolved;
    private readonly DatasetPair data;
    private readonly Device device;
    private readonly string? remark;

    private TrainingRun(ResolvedRecipe asked)
    {
        device = NativeLibraries.Device(asked.Recipe.Device);
        if (asked.Recipe.Threads > 0 && get_num_threads() != asked.Recipe.Threads)
            set_num_threads(asked.Recipe.Threads);
        // Stored, so that a resumed run uses as many threads and the same precision again and finds its files from anywhere.
        resolved = asked with
        {
            Recipe = RecipePaths.Settled(asked.Recipe) with { Threads = get_num_threads(), Precision = Chosen(asked.Recipe, device) },
        };
        remark = Remark(asked.Recipe.Precision, device);
        data = Recipe.OpenData();
    }

    private Recipe Recipe => resolved.Recipe;

    private static Precision Chosen(Recipe recipe, Device device) => recipe.Precision switch
    {
        Precision.Auto => Autocast.Best(device),
        Precision.BFloat16 when !Autocast.IsSupported => Precision.Float32,
        var asked => asked,
    };

    // What the person who runs this should know about the choice, or null.
    private static string? Remark(Precision asked, Device device)
    {
        if (asked == Precision.Float32 || (asked == Precision.Auto && !Bfloat16Hardware.IsIn(device)))
            return null;
        if (!Autocast.IsSupported)
            return $"trained in float32: {Autocast.Missing}";
        return Bfloat16Hardware.IsIn(device) ? null : $"bfloat16 is emulated on this {(device.type == DeviceType.CPU ? "processor" : "GPU")}"
            + " and slower than float32; `Precision` auto would choose float32";
    }

    /// <summary>
    /// Resolves a recipe and trains it in a new folder. Everything that can be refused is refused before the folder appears.
    /// </summary>
    /// <param name="recipe">What to run.</param>
    /// <param name="folder">Where; must not exist.</param>
    /// <param name="callbacks">Callbacks beside those that every run has.</param>
    /// <param name="report">Receives one line at a time for the user.</param>
    /// <param name="cancellation">Ends the run between two steps; it can be resumed.</param>
    /// <exception cref="InputException">The recipe or its data cannot be used.</exception>
    /// <exception cref="OutputException">A file of the run could not be written; it can be resumed.</exception>
    public static RunResult Start(Recipe recipe, string folder, IEnumerable<Callback> callbacks, Action<Notice> report,
        CancellationToken cancellation = default) => Start(recipe.Resolve(), folder, callbacks, report, cancellation);

    /// <summary>The same with a recipe that is resolved already.</summary>
    /// <inheritdoc cref="Start(Recipe, string, IEnumerable{Callback}, Action{Notice}, CancellationToken)"/>
    public static RunResult Start(ResolvedRecipe recipe, string folder, IEnumerable<Callback> callbacks, Action<Notice> report,
        CancellationToken cancellation = default)
    {
        var run = new TrainingRun(recipe);
        var card = run.resolved.Card(run.data.Train);
        using var model = run.CreateModel(card);
        DataNeeds.Require(run.resolved, run.data, model);
        run.LoadWeights(model, report);
        var runFolder = RunFolder.Create(folder, run.Recipe, card, Provenance.Describe());
        return run.TrainIn(runFolder, model, resume: null, callbacks, report, cancellation);
    }

    /// <summary>
    /// Resumes a run from its latest intact checkpoint, or from step 0 when it has none; returns the stored result when it is finished.
    /// </summary>
    /// <exception cref="InputException">The folder is not a run, or its data has gone.</exception>
    /// <exception cref="OutputException">A file of the run could not be written; it can be resumed.</exception>
    public static RunResult Resume(string folder, IEnumerable<Callback> callbacks, Action<Notice> report, CancellationToken cancellation =
        default)
    {
        var runFolder = RunFolder.Open(folder);
        if (runFolder.Finished)
            return runFolder.ReadResult();
        var run = new TrainingRun(runFolder.Recipe.ResolveStored());
        using var model = run.CreateModel(run.resolved.Card(run.data.Train));
        var checkpoint = runFolder.Checkpoints.Load(line => report(new Notice(line, IsWarning: true)));
        if (checkpoint is null)
            run.LoadWeights(model, report);
        report(new Notice(checkpoint is null ? "resuming: no checkpoint yet, beginning at step 0"
            : $"resuming after epoch {checkpoint.Epoch}, step {checkpoint.StepInEpoch}"));
        return run.TrainIn(runFolder, model, checkpoint, callbacks, report, cancellation);
    }

    /// <summary>
    /// Refuses what <see cref="Start(ResolvedRecipe, string, IEnumerable{Callback}, Action{Notice}, CancellationToken)"/> would refuse once
    /// it has the data and the model, and starts nothing.
    /// </summary>
    /// <exception cref="InputException">The recipe or its data cannot be used.</exception>
    internal static void RequireFit(ResolvedRecipe recipe)
    {
        if (!DataNeeds.Any(recipe.Stack))
            return;
        var run = new TrainingRun(recipe);
        using var model = run.CreateModel(run.resolved.Card(run.data.Train));
        DataNeeds.Require(run.resolved, run.data, model);
    }

    private ImageClassifier CreateModel(ModelCard card)
    {
        var model = new SeedStream(Recipe.Seed).Network(card.CreateModel);
        if (Recipe.Freeze)
            model.FreezeFeatures();
        return model;
    }

    private void LoadWeights(nn.Module model, Action<Notice> report)
    {
        if (Recipe.Weights is not { } weights)
            return;
        var loaded = PretrainedWeights.Load(weights, model);
        report(new Notice(loaded.Summary, IsWarning: !loaded.IsComplete));
    }

    private RunResult TrainIn(RunFolder folder, nn.Module<Tensor, Tensor> model, Checkpoint? resume, IEnumerable<Callback> callbacks,
        Action<Notice> report,
        CancellationToken cancellation)
    {
        try
        {
            return Recipe.Epochs == 0 ? Adopt(folder, model) : Train(folder, model, resume, callbacks, report, cancellation);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or DamagedDataException)
        {
            throw new OutputException($"The run in {folder.Path} stopped at a file that could not be used ({error.Message.TrimEnd('.')}). "
                + (HasCheckpoint(folder) ? "Its last good checkpoint is kept" : "It has no checkpoint yet and will begin at step 0")
                + $"; make room or put the file right, then resume it with `TrainingRun.Resume(\"{folder.Path}\")`.", error);
        }
        catch (NonFiniteException error)
        {
            // The same recipe comes to the same step again, to the bit.
            var kept = HasCheckpoint(folder)
                ? $"The checkpoint before it is kept in {folder.Checkpoints.Folder}, but going on from there would end the same way"
                : "There was no checkpoint yet";
            throw error.With($"{kept}: begin again in a new folder with a lower learning rate (`Lr`) or a clipped gradient (`Clip`).");
        }
    }

    private static bool HasCheckpoint(RunFolder folder) => File.Exists(folder.Checkpoints.LastWeights);

    private RunResult Train(RunFolder folder, nn.Module<Tensor, Tensor> model, Checkpoint? resume, IEnumerable<Callback> callbacks,
        Action<Notice> report,
        CancellationToken cancellation)
    {
        if (ImageFiles.DamagedIn(data) is { Count: > 0 } damaged)
            report(new Notice($"left out {damaged.Count} damaged {(damaged.Count == 1 ? "image" : "images")}: "
                + $"{string.Join(", ", damaged.Take(3))}{(damaged.Count > 3 ? ", …" : "")}", IsWarning: true));
        if (remark is not null)
            report(new Notice(remark, IsWarning: true));
        var seeds = new SeedStream(Recipe.Seed);
        var (train, validation) = Recipe.Split(data);
        using var trainLoader = new BatchLoader(train, seeds, resolved.Loading);
        using var validationLoader = new BatchLoader(validation, seeds, LoaderOptions.Evaluation(LoaderOptions.EvaluationBatch));
        using var testLoader = new BatchLoader(data.Test, seeds, LoaderOptions.Evaluation(LoaderOptions.EvaluationBatch));
        var options = new TrainerOptions
        {
            Epochs = Recipe.Epochs,
            Optimizer = resolved.Optimizer,
            Schedule = resolved.Schedule(trainLoader.Steps),
            Loss = resolved.Loss,
            ClipNorm = Recipe.Clip,
            Accumulate = Recipe.Accumulate,
            Device = device,
            Precision = Recipe.Precision,
            Seeds = seeds,
            Report = line => report(new Notice(line)),
            Warn = line => report(new Notice(line, IsWarning: true)),
        };
        var own = resolved.Callbacks(folder.Path, folder.Checkpoints, trainLoader.Steps);
        var fit = new Trainer(options, [.. own.InOrder, .. callbacks])
            .Fit(model, new TrainingData(trainLoader, validationLoader), testLoader, resume, cancellation);
        if (fit.StopReason is { } reason)
            report(new Notice($"ended after epoch {fit.Epochs}: {reason}"));
        var last = new TestScore(fit.Epochs, fit.Test!.Loss, fit.Test.Top1Error, fit.Test.Top5Error);
        var best = TestBest(folder, model, testLoader, own.Checkpoints.BestEpoch, last);
        var result = new RunResult(last, best, Recipe.ValidationShare is null, fit.Epochs, own.Metrics.TrainAccuracy, own.Metrics.Seconds,
            fit.Test.Images)
        {
            Lambdas = own.Lambdas?.Counts,
        };
        folder.WriteResult(result);
        return result;
    }

    // Nothing is trained: weights from elsewhere become a finished run.
    private RunResult Adopt(RunFolder folder, nn.Module<Tensor, Tensor> model)
    {
        Safetensors.Save(folder.Checkpoints.LastWeights, model.state_dict());
        using var test = new BatchLoader(data.Test, new SeedStream(Recipe.Seed), LoaderOptions.Evaluation(LoaderOptions.EvaluationBatch));
        var tested = EvaluationPass.Run(model.to(device), test, resolved.Loss, device);
        var score = new TestScore(0, tested.Loss, tested.Top1Error, tested.Top5Error);
        var result = new RunResult(score, score, Recipe.ValidationShare is null, 0, 0, 0, tested.Images);
        folder.WriteResult(result);
        return result;
    }

    // The test set is read once for each set of weights that is reported, after the fit.
    private TestScore TestBest(RunFolder folder, nn.Module<Tensor, Tensor> model, BatchLoader test, int bestEpoch, TestScore last)
    {
        if (bestEpoch == last.Epoch)
            return last;
        Safetensors.LoadInto(folder.Checkpoints.BestWeights, model);
        var result = EvaluationPass.Run(model, test, resolved.Loss, device);
        return new TestScore(bestEpoch, result.Loss, result.Top1Error, result.Top5Error);
    }
}
