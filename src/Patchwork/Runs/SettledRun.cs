using System.Text;
using Patchwork.Data;
using Patchwork.Distributed;
using Patchwork.Evaluation;
using Patchwork.Formats;
using Patchwork.Inference;
using Patchwork.Internals;
using Patchwork.Interop;
using Patchwork.Losses;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Runs;

/// <summary>A run whose recipe, data and network are open and match. Trains, tests and calibrates the network.</summary>
internal sealed class SettledRun
{
    private readonly ResolvedRecipe resolved;
    private readonly ImageClassifier model;
    private readonly Device device;
    private readonly ICollective collective;
    private readonly string? remark;
    private readonly int leastBatch;

    /// <summary>Chooses threads, precision and stem, and stores them in the recipe.</summary>
    /// <exception cref="InputException">The batches are too small.</exception>
    public SettledRun(ResolvedRecipe asked, RunData data, ModelCard card, ImageClassifier model, Device device, ICollective collective)
    {
        (Data, Card, this.model, this.device, this.collective) = (data, card, model, device, collective);
        if (asked.Recipe.Freeze)
            model.FreezeFeatures();
        model.FrozenNorm = asked.Recipe.FreezeNorm;
        leastBatch = NormalizedValues.LeastBatch(model, card.Channels, card.Height, card.Width);
        Recipe.Require(asked.Recipe.BatchSize >= leastBatch, "batchSize", asked.Recipe.BatchSize,
            $"{leastBatch} or more for {card.Model} on images of {card.Height}×{card.Width}, where BatchNorm sees one value per image");
        var leastOfRanks = RankRows.Least * collective.Size;
        Recipe.Require(asked.Recipe.BatchSize >= leastOfRanks || collective.Size == 1, "batchSize", asked.Recipe.BatchSize,
            $"{leastOfRanks} or more for {collective.Size} ranks, each of which needs {RankRows.Least} images");
        (var precision, remark) = HardwareChoices.Precision(asked.Recipe.Precision, device);
        // Stored, so that a resumed run uses the same number of threads and the same precision.
        resolved = asked with
        {
            Recipe = asked.Recipe with
            {
                Threads = HardwareChoices.Threads(asked, model, card),
                Precision = precision,
                ScaledDecoding = asked.Recipe.ScaledDecoding ?? true,
                Stem = (model as ResNet)?.Stem,
            },
        };
    }

    /// <summary>The recipe, with every choice made.</summary>
    public Recipe Recipe => resolved.Recipe;

    /// <summary>The model card.</summary>
    public ModelCard Card { get; }

    /// <summary>Training, validation and test images.</summary>
    public RunData Data { get; }

    /// <summary>The training loss, with class weights.</summary>
    public Loss TrainingLoss => field ??= RecipeClassWeights.Over(resolved.LossOn(Data.Train), Recipe.ClassWeights, Data.Train);

    /// <summary>Sends the recipe and the model card to the other ranks; called on rank 0 once everything is settled.</summary>
    public void Share()
    {
        var ranks = Ranks.Of(collective);
        if (ranks.Alone)
            return;
        ranks.Broadcast(Encoding.UTF8.GetBytes(Recipe.ToJson()));
        ranks.Broadcast(Encoding.UTF8.GetBytes(Card.ToJson()));
        Data.RequireSameOn(ranks);
    }

    /// <summary>Throws if the methods cannot work on the data.</summary>
    public void RequireData() => DataNeeds.Require(resolved, Data.Pair, model);

    /// <summary>Loads the weights that the recipe names, if any.</summary>
    public void LoadWeights(Action<Notice> report)
    {
        if (Recipe.Weights is not { } weights)
            return;
        var loaded = PretrainedWeights.Load(weights, model);
        string[] fresh = [.. loaded.Missing.Concat(loaded.Reshaped).Except(model.HeadNames)];
        // A new last layer is expected: pretrained weights usually have other classes.
        report(new Notice(loaded.Summary, IsWarning: fresh.Length > 0));
        if (fresh.Length > 0 && (Recipe.Freeze || Recipe.FreezeEpochs > 0))
            throw new InputException($"{weights} must contain all frozen features. Received: a file without {fresh.Length} of them, "
                + $"{string.Join(", ", fresh.Take(4))}{(fresh.Length > 4 ? ", …" : "")}. Choose the `Model` that the weights belong "
                + "to, or omit `Freeze`.");
    }

    /// <summary>Trains in a run folder, which only rank 0 writes to.</summary>
    public RunResult TrainIn(RunFolder folder, Checkpoint? resume, IEnumerable<Callback> callbacks, Action<Notice> report,
        CancellationToken cancellation)
    {
        try
        {
            return Recipe.Epochs == 0 ? Adopt(folder) : Train(folder, resume, callbacks, report, cancellation);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or DamagedDataException)
        {
            throw new OutputException($"The run in {folder.Path} stopped because a file could not be read or written "
                + $"({error.Message.TrimEnd('.')}). "
                + (HasCheckpoint(folder) ? "Its last good checkpoint is kept" : "It has no checkpoint yet and will start from step 0")
                + $"; free some space or repair the file, then resume it with `TrainingRun.Resume(\"{folder.Path}\")`.", error);
        }
        catch (NonFiniteException error)
        {
            // Resuming would repeat the same step, bit for bit.
            var kept = HasCheckpoint(folder)
                ? $"The checkpoint before it is kept in {folder.Checkpoints.Folder}, but resuming from it would end the same way"
                : "There was no checkpoint yet";
            throw error.With($"{kept}: start again in a new folder with a lower learning rate (`Lr`) or a clipped gradient (`Clip`).");
        }
    }

    private static bool HasCheckpoint(RunFolder folder) => File.Exists(folder.Checkpoints.LastWeights);

    /// <summary>Trains, tests and calibrates. <paramref name="folder"/> is null on ranks that write nothing.</summary>
    public RunResult Train(RunFolder? folder, Checkpoint? resume, IEnumerable<Callback> callbacks, Action<Notice> report,
        CancellationToken cancellation)
    {
        foreach (var notice in Data.Describe())
            report(notice);
        if (remark is not null)
            report(new Notice(remark, IsWarning: true));
        if (model is ResNet { Stem: var stem })
            report(new Notice($"{model.Id} has the {(stem == Stem.Small ? "small stem: 3×3, no pooling"
                : "stem of ImageNet: 7×7 with stride 2, max-pooling")} (`Stem`)"));
        var seeds = new SeedStream(Recipe.Seed);
        using var trainLoader = new BatchLoader(Data.Train, seeds, resolved.Loading with { LeastBatch = leastBatch });
        using var validationLoader = new BatchLoader(Data.Validation, seeds, LoaderOptions.Evaluation(LoaderOptions.EvaluationBatch));
        using var testLoader = new BatchLoader(Data.Test, seeds, LoaderOptions.Evaluation(LoaderOptions.EvaluationBatch));
        var options = new TrainerOptions
        {
            Epochs = Recipe.Epochs,
            Optimizer = resolved.Optimizer,
            Schedule = resolved.Schedule(trainLoader.Steps),
            Loss = TrainingLoss,
            EvaluationLoss = resolved.LossOn(Data.Train),
            ClipNorm = Recipe.Clip,
            Accumulate = Recipe.Accumulate,
            Device = device,
            Precision = Recipe.Precision,
            Seeds = seeds,
            Collective = collective,
            SyncBatchNorm = Recipe.SyncBatchnorm,
            Report = line => report(new Notice(line)),
            Warn = line => report(new Notice(line, IsWarning: true)),
        };
        var own = resolved.Callbacks(folder?.Path ?? "", folder?.Checkpoints ?? new CheckpointStore(""), trainLoader.Steps);
        var fit = new Trainer(options, [.. own.InOrder, .. callbacks])
            .Fit(model, new TrainingData(trainLoader, validationLoader), testLoader, resume, cancellation);
        if (fit.StopReason is { } reason)
            report(new Notice($"ended after epoch {fit.Epochs}: {reason}"));
        var last = TestScore.Of(fit.Epochs, fit.Test!);
        var best = TestBest(folder, testLoader, own.Checkpoints.BestEpoch, last);
        var result = new RunResult(last, best, Recipe.ValidatesOnTest, fit.Epochs, own.Metrics.TrainAccuracy, own.Metrics.Seconds,
            fit.Test!.Images)
        {
            Lambdas = own.Lambdas?.Counts,
        };
        if (folder is null)
            return result;
        Calibrate(folder);
        folder.WriteResult(result);
        folder.Checkpoints.Finish();
        return result;
    }

    // Fits the temperature, or with several labels the threshold, on the validation images, for the weights that predict. Skipped if the
    // validation images are the test images.
    private void Calibrate(RunFolder folder)
    {
        if (Recipe.ValidatesOnTest && !Card.MultiLabel)
            return;
        if (File.Exists(folder.Checkpoints.BestWeights))
            Safetensors.LoadInto(folder.Checkpoints.BestWeights, model);
        var subject = new Subject(model, Data.Validation, new SeedStream(Recipe.Seed)) { Device = device };
        var calibrated = Card.MultiLabel
            ? Card with { Threshold = SeveralLabels.Scores(subject, model, Data.Validation).BestThreshold() }
            : Card with { Temperature = LabelledLogits.Of(subject, Data.Validation).Temperature() };
        AtomicFile.WriteText(folder.Checkpoints.Card, calibrated.ToJson() + "\n");
    }

    // Turns existing weights into a finished run, without training.
    private RunResult Adopt(RunFolder folder)
    {
        Safetensors.Save(folder.Checkpoints.LastWeights, model.state_dict());
        using var test = new BatchLoader(Data.Test, new SeedStream(Recipe.Seed), LoaderOptions.Evaluation(LoaderOptions.EvaluationBatch));
        var tested = EvaluationPass.Run(model.to(device), test, resolved.LossOn(Data.Train), device);
        var score = TestScore.Of(0, tested);
        var result = new RunResult(score, score, Recipe.ValidatesOnTest, 0, 0, 0, tested.Images);
        Calibrate(folder);
        folder.WriteResult(result);
        return result;
    }

    // After the fit, the test set is read once for each reported set of weights.
    private TestScore TestBest(RunFolder? folder, BatchLoader test, int bestEpoch, TestScore last)
    {
        if (bestEpoch == last.Epoch)
            return last;
        if (folder is not null)
            Safetensors.LoadInto(folder.Checkpoints.BestWeights, model);
        RankWeights.Share(Ranks.Of(collective), model);
        var result = EvaluationPass.Run(model, test, resolved.LossOn(Data.Train), device, collective);
        return TestScore.Of(bestEpoch, result);
    }
}
