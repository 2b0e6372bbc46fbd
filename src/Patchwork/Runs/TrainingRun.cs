using Patchwork.Data;
using Patchwork.Formats;
using Patchwork.Inference;
using Patchwork.Interop;
using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Regularization;
using Patchwork.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Runs;

/// <summary>Carries a recipe out in a run folder: data, model, trainer, test. What the command line's <c>train</c> does, as a library call.</summary>
public sealed class TrainingRun
{
    private readonly Recipe recipe;
    private readonly DatasetPair data;

    private TrainingRun(Recipe recipe)
    {
        recipe.Validate();
        var device = NativeLibraries.Device(recipe.Device);
        if (recipe.Threads > 0 && get_num_threads() != recipe.Threads)
            set_num_threads(recipe.Threads);
        // Stored, so that a resumed run uses as many threads again and finds its files from anywhere.
        this.recipe = RecipePaths.Settled(recipe) with { Threads = get_num_threads() };
        Device = device;
        data = this.recipe.OpenData();
    }

    private Device Device { get; }

    /// <summary>
    /// Trains a recipe in a new folder. Everything that can be refused is refused before the folder appears.
    /// </summary>
    /// <param name="recipe">What to run.</param>
    /// <param name="folder">Where; must not exist.</param>
    /// <param name="callbacks">Callbacks beside those that every run has.</param>
    /// <param name="report">Receives one line at a time for the person who runs this.</param>
    /// <param name="cancellation">Ends the run between two steps; it can be resumed.</param>
    /// <exception cref="InputException">The recipe or its data cannot be used.</exception>
    /// <exception cref="OutputException">A file of the run could not be written; it can be resumed.</exception>
    public static RunResult Start(Recipe recipe, string folder, IEnumerable<Callback> callbacks, Action<Notice> report, CancellationToken cancellation = default)
    {
        var run = new TrainingRun(recipe);
        recipe.RequireUse();
        var card = run.Card();
        using var model = run.CreateModel(card);
        run.RequireFit(model);
        run.LoadWeights(model, report);
        var runFolder = RunFolder.Create(folder, run.recipe, card, Provenance.Describe());
        return run.TrainIn(runFolder, model, resume: null, callbacks, report, cancellation);
    }

    /// <summary>
    /// Goes on with a run from its newest whole checkpoint, or from step 0 when it has none; returns the stored result when it is finished.
    /// </summary>
    /// <exception cref="InputException">The folder is not a run, or its data has gone.</exception>
    /// <exception cref="OutputException">A file of the run could not be written; it can be resumed.</exception>
    public static RunResult Resume(string folder, IEnumerable<Callback> callbacks, Action<Notice> report, CancellationToken cancellation = default)
    {
        var runFolder = RunFolder.Open(folder);
        if (runFolder.Finished)
            return runFolder.ReadResult();
        var run = new TrainingRun(runFolder.Recipe);
        using var model = run.CreateModel(run.Card());
        var checkpoint = runFolder.Checkpoints.Load(line => report(new Notice(line, IsWarning: true)));
        if (checkpoint is null)
            run.LoadWeights(model, report);
        report(new Notice(checkpoint is null ? "resuming: no checkpoint yet, beginning at step 0"
            : $"resuming after epoch {checkpoint.Epoch}, step {checkpoint.StepInEpoch}"));
        return run.TrainIn(runFolder, model, checkpoint, callbacks, report, cancellation);
    }

    /// <summary>Refuses what <see cref="Start"/> would refuse once it has the data and the model, and starts nothing.</summary>
    /// <exception cref="InputException">The recipe or its data cannot be used.</exception>
    internal static void RequireFit(Recipe recipe)
    {
        if (!DependsOnData(recipe.CreateStack()))
            return;
        var run = new TrainingRun(recipe);
        using var model = run.CreateModel(run.Card());
        run.RequireFit(model);
    }

    // Methods that fit some data and some models only.
    private static bool DependsOnData(MethodStack stack) => stack.Parts.Any(method => method is FeatureMixer or Mixer { Needs: Needs.Model } or CutMix { LabelWeight: LabelWeight.Object });

    private void RequireFit(nn.Module<Tensor, Tensor> model)
    {
        var stack = recipe.CreateStack();
        if (!DependsOnData(stack))
            return;
        using var scope = NewDisposeScope();
        var seeds = new SeedStream(recipe.Seed);
        using var loader = new BatchLoader(data.Train, seeds, new LoaderOptions { BatchSize = 2, Threads = 0 });
        var batch = loader.Epoch(0).First();
        try
        {
            stack.FeatureMixer?.Attach(model, batch.Images).Dispose();
        }
        catch (ArgumentException error)
        {
            throw new InputException($"{error.Message} The model is {recipe.Model}, the method {recipe.Method}.", error);
        }
        foreach (var mixer in stack.Parts.OfType<Mixer>().Where(mixer => mixer.Needs == Needs.Model))
            mixer.Plan(MixContext.Of(batch.Images, seeds.Open("fit")) with { Labels = batch.Labels, Model = model });
        if (stack.Parts.Any(method => method is CutMix { LabelWeight: LabelWeight.Object }) && (recipe.ResizedCrop is not null || data.Train.ObjectMask(0).IsEmpty))
            throw new InputException($"labelWeight must be another than Object where objects have no masks that follow their images. Received: dataset {recipe.Dataset}"
                + $"{(recipe.ResizedCrop is null ? "" : " under a resized crop")}. Choose measured, or {DatasetCatalogue.Either(set => set.HasMasks)} without a resized crop.");
    }

    private nn.Module<Tensor, Tensor> CreateModel(ModelCard card)
    {
        var model = new SeedStream(recipe.Seed).Network(card.CreateModel);
        if (recipe.Freeze)
            model.FreezeFeatures();
        return model;
    }

    private void LoadWeights(nn.Module model, Action<Notice> report)
    {
        if (recipe.Weights is not { } weights)
            return;
        var loaded = PretrainedWeights.Load(weights, model);
        report(new Notice(loaded.Summary, IsWarning: !loaded.IsComplete));
    }

    private ModelCard Card() => new(recipe.Model, data.Train.ClassNames, data.Train.Channels, data.Train.Height, data.Train.Width,
        data.Train.Normalization.Mean, data.Train.Normalization.StandardDeviation)
    {
        CenterCrop = recipe.CenterCrop,
        Method = string.Join('+', recipe.CreateStack().Methods.OfType<BranchRegularizer>().Select(method => method.Id).DefaultIfEmpty(Methods.Baseline)),
        DropProbability = Strengths.Of(recipe, recipe.CreateStack()).DropProbability?.At(recipe.Epochs) ?? recipe.DropProbability,
        Options = OptionsOfBranches(),
    };

    // By whole names: without the other methods a short one could mean another.
    private Dictionary<string, string> OptionsOfBranches() =>
        (from option in recipe.Options ?? new Dictionary<string, string>()
         let name = OptionName.Parse(option.Key)
         from method in recipe.CreateStack().Methods.OfType<BranchRegularizer>()
         where name.Of(method) is not null
         select KeyValuePair.Create($"{name with { Method = method.Id }}", option.Value)).ToDictionary();

    private RunResult TrainIn(RunFolder folder, nn.Module<Tensor, Tensor> model, Checkpoint? resume, IEnumerable<Callback> callbacks, Action<Notice> report,
        CancellationToken cancellation)
    {
        try
        {
            return recipe.Epochs == 0 ? Adopt(folder, model) : Train(folder, model, resume, callbacks, report, cancellation);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or DamagedDataException)
        {
            throw new OutputException($"The run in {folder.Path} stopped at a file that could not be used ({error.Message.TrimEnd('.')}). {(HasCheckpoint(folder) ? "Its last good checkpoint is kept" : "It has no checkpoint yet and will begin at step 0")}; "
                + $"make room or put the file right, then go on with patchwork train --resume --out {folder.Path}.", error);
        }
        catch (NonFiniteException error)
        {
            // The same recipe comes to the same step again, to the bit.
            var kept = HasCheckpoint(folder) ? $"The checkpoint before it is kept in {folder.Checkpoints.Folder}, but going on from there would end the same way" : "There was no checkpoint yet";
            throw error.With($"{kept}: begin again in a new folder with a lower learning rate (--lr) or a clipped gradient (--clip).");
        }
    }

    private static bool HasCheckpoint(RunFolder folder) => File.Exists(folder.Checkpoints.LastWeights);

    private RunResult Train(RunFolder folder, nn.Module<Tensor, Tensor> model, Checkpoint? resume, IEnumerable<Callback> callbacks, Action<Notice> report,
        CancellationToken cancellation)
    {
        if (ImageFiles.DamagedIn(data) is { Count: > 0 } damaged)
            report(new Notice($"left out {damaged.Count} damaged {(damaged.Count == 1 ? "image" : "images")}: {string.Join(", ", damaged.Take(3))}{(damaged.Count > 3 ? ", …" : "")}", IsWarning: true));
        var seeds = new SeedStream(recipe.Seed);
        var (train, validation) = recipe.Split(data);
        using var trainLoader = new BatchLoader(train, seeds, new LoaderOptions
        {
            BatchSize = recipe.BatchSize * recipe.Accumulate,
            Augmentation = new CropFlip { Padding = recipe.Crop, Flip = recipe.Flip },
            ResizedCrop = recipe.ResizedCrop is { } scale ? new RandomResizedCrop { Scale = scale } : null,
            Color = recipe.ColorJitter is > 0 and var s ? new ColorJitter { Brightness = s, Contrast = s, Saturation = s } : null,
        });
        using var validationLoader = new BatchLoader(validation, seeds, LoaderOptions.Evaluation(LoaderOptions.EvaluationBatch));
        using var testLoader = new BatchLoader(data.Test, seeds, LoaderOptions.Evaluation(LoaderOptions.EvaluationBatch));
        var optimizer = RecipeTraining.Optimizer(recipe);
        var options = new TrainerOptions
        {
            Epochs = recipe.Epochs,
            Optimizer = optimizer,
            Schedule = RecipeTraining.Schedule(recipe, optimizer.LearningRate, trainLoader.Steps),
            Loss = RecipeTraining.Loss(recipe),
            ClipNorm = recipe.Clip,
            Accumulate = recipe.Accumulate,
            Device = Device,
            Seeds = seeds,
            Report = line => report(new Notice(line)),
            Warn = line => report(new Notice(line, IsWarning: true)),
        };
        var checkpoints = new Checkpointing(folder.Checkpoints) { EverySteps = recipe.CheckpointEvery };
        var metrics = new MetricsFile(folder.Metrics);
        var lambdas = new LambdaHistogram();
        List<Callback> all = [metrics, new TensorBoardLog(folder.Path), checkpoints];
        var stack = recipe.CreateStack();
        var strengths = Strengths.Of(recipe, stack);
        if (stack.Mixer is { } mixer)
            all.InsertRange(0, [new MixingCallback(mixer) { Probability = strengths.Probability, Alpha = strengths.Alpha, CleanTail = recipe.CleanTail }, lambdas, new MixAudit { LabelsByArea = mixer.LabelsByArea }, new MixingGrids(folder.Path, trainLoader.Steps)]);
        if (stack.FeatureMixer is { } featureMixer)
            all.Insert(0, new FeatureMixingCallback(featureMixer) { Probability = strengths.Probability, Alpha = strengths.Alpha, CleanTail = recipe.CleanTail });
        if (strengths.DropProbability is { } drop)
            all.Insert(0, new DropSchedule(drop));
        else
            all.InsertRange(0, stack.ModelOptions.Regularizers.Where(method => method.Ramp(recipe.Epochs) is not null).Select(method => new DropSchedule(method.Ramp(recipe.Epochs)!) { Method = method.Id }));
        if (strengths.LabelSmoothing is { } smoothing)
            all.Insert(0, new SmoothingSchedule(smoothing));
        if (stack.Erasers is { Count: > 0 } erasers)
            all.Insert(0, new ErasingCallback([.. erasers]) { Probability = stack.Mixer is null && stack.FeatureMixer is null ? strengths.Probability : null, CleanTail = recipe.CleanTail });
        if (recipe.Ema is { } decay)
            all.Insert(0, new WeightAverage { Decay = decay });      // before those that look at what is validated
        if (recipe.EarlyStop is { } patience)
            all.Add(new EarlyStopping(patience));
        all.AddRange(callbacks);

        var fit = new Trainer(options, [.. all]).Fit(model, new TrainingData(trainLoader, validationLoader), testLoader, resume, cancellation);
        if (fit.StopReason is { } reason)
            report(new Notice($"ended after epoch {fit.Epochs}: {reason}"));
        var last = new TestScore(fit.Epochs, fit.Test!.Loss, fit.Test.Top1Error, fit.Test.Top5Error);
        var result = new RunResult(last, TestBest(folder, model, testLoader, options, checkpoints.BestEpoch, last), recipe.ValidationShare is null,
            fit.Epochs, metrics.TrainAccuracy, metrics.Seconds, fit.Test.Images)
        {
            Lambdas = stack.Mixer is null ? null : lambdas.Counts,
        };
        folder.WriteResult(result);
        return result;
    }

    // Nothing is trained: weights from elsewhere become a finished run.
    private RunResult Adopt(RunFolder folder, nn.Module<Tensor, Tensor> model)
    {
        Safetensors.Save(folder.Checkpoints.LastWeights, model.state_dict());
        using var test = new BatchLoader(data.Test, new SeedStream(recipe.Seed), LoaderOptions.Evaluation(LoaderOptions.EvaluationBatch));
        var tested = EvaluationPass.Run(model.to(Device), test, RecipeTraining.Loss(recipe), Device);
        var score = new TestScore(0, tested.Loss, tested.Top1Error, tested.Top5Error);
        var result = new RunResult(score, score, recipe.ValidationShare is null, 0, 0, 0, tested.Images);
        folder.WriteResult(result);
        return result;
    }

    // The test set is read once for each set of weights that is reported, after the fit.
    private TestScore TestBest(RunFolder folder, nn.Module<Tensor, Tensor> model, BatchLoader test, TrainerOptions options, int bestEpoch, TestScore last)
    {
        if (bestEpoch == last.Epoch)
            return last;
        Safetensors.LoadInto(folder.Checkpoints.BestWeights, model);
        var result = EvaluationPass.Run(model, test, options.Loss, Device);
        return new TestScore(bestEpoch, result.Loss, result.Top1Error, result.Top5Error);
    }
}
