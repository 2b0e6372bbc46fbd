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

/// <summary>
/// Carries a recipe out in a run folder: data, model, trainer, test. What the command line's <c>train</c> does, as a library call.
/// </summary>
public sealed class TrainingRun
{
    private readonly ResolvedRecipe resolved;
    private readonly RunData data;
    private readonly ModelCard card;
    private readonly ImageClassifier model;
    private readonly Device device;
    private readonly ICollective collective;
    private readonly string? remark;
    private readonly int leastBatch;

    private TrainingRun(ResolvedRecipe asked, RunData data, ModelCard card, ImageClassifier model, Device device, ICollective collective)
    {
        (this.data, this.card, this.model, this.device, this.collective) = (data, card, model, device, collective);
        if (asked.Recipe.Freeze)
            model.FreezeFeatures();
        model.FrozenNorm = asked.Recipe.FreezeNorm;
        leastBatch = NormalizedValues.LeastBatch(model, card.Channels, card.Height, card.Width);
        Recipe.Require(asked.Recipe.BatchSize >= leastBatch, "batchSize", asked.Recipe.BatchSize,
            $"{leastBatch} or more for {card.Model} on images of {card.Height}×{card.Width}, where BatchNorm sees one value an image");
        var leastOfRanks = RankRows.Least * collective.Size;
        Recipe.Require(asked.Recipe.BatchSize >= leastOfRanks || collective.Size == 1, "batchSize", asked.Recipe.BatchSize,
            $"{leastOfRanks} or more for {collective.Size} ranks, each of which needs {RankRows.Least} images");
        (var precision, remark) = HardwareChoices.Precision(asked.Recipe.Precision, device);
        // Stored, so that a resumed run uses as many threads and the same precision again.
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

    // Network and threads are there for as long as it is worked with.
    private static T With<T>(ResolvedRecipe asked, RunFolder? resumed, ICollective collective, Func<TrainingRun, T> work)
    {
        var device = NativeLibraries.Device(asked.Recipe.Device);
        asked = asked with { Recipe = RecipePaths.Settled(asked.Recipe) };      // its files are found from anywhere
        var weights = resumed is null && asked.Recipe.Weights is { } path ? WeightsCard.Of(path) : null;
        if (weights is not null)
            asked = asked with { Recipe = RecipePaths.WithWeights(RecipePaths.WithModel(asked.Recipe), weights) };
        var data = resumed is null ? RunData.Open(asked.Recipe) : RunData.Open(resumed);
        // Weights of images in colour begin afresh on grey ones.
        if (weights?.Normalization is { } normalization && asked.Recipe.Normalization is null
            && normalization.Mean.Count == data.Pair.Train.Channels)
        {
            asked = asked with { Recipe = asked.Recipe with { Normalization = normalization.ToString() } };
            data = data.Normalized(asked.Recipe, normalization);
        }
        var card = asked.Card(data.Pair.Train) with { Data = data.Record.Train.Digest, Version = Provenance.Version };
        using var model = new SeedStream(asked.Recipe.Seed).Network(card.CreateModel);
        var run = new TrainingRun(asked, data, card, model, device, collective);
        using var threads = HardwareChoices.OnThreads(run.Recipe.Threads);
        return work(run);
    }

    private Recipe Recipe => resolved.Recipe;

    private Loss TrainingLoss => field ??= RecipeClassWeights.Over(resolved.LossOn(data.Train), Recipe.ClassWeights, data.Train);

    /// <summary>
    /// Resolves a recipe and trains it in a new folder. Everything that can be refused is refused before the folder appears.
    /// </summary>
    /// <param name="recipe">What to run.</param>
    /// <param name="folder">Where; must not exist.</param>
    /// <param name="callbacks">Callbacks beside those that every run has; with several ranks those that write or speak, on rank 0.</param>
    /// <param name="report">Receives one line at a time for the user.</param>
    /// <param name="collective">
    /// Processes that train it together, of which this is rank 0 and the others serve as <see cref="Followers"/>; null: this one alone.
    /// </param>
    /// <param name="cancellation">Ends the run between two steps; it can be resumed.</param>
    /// <exception cref="InputException">The recipe or its data cannot be used.</exception>
    /// <exception cref="OutputException">A file of the run could not be written; it can be resumed.</exception>
    public static RunResult Start(Recipe recipe, string folder, IEnumerable<Callback> callbacks, Action<Notice> report,
        ICollective? collective = null, CancellationToken cancellation = default) =>
        Start(recipe.Resolve(), folder, callbacks, report, collective, cancellation);

    /// <summary>The same with a recipe that is resolved already.</summary>
    /// <inheritdoc cref="Start(Recipe, string, IEnumerable{Callback}, Action{Notice}, ICollective, CancellationToken)"/>
    public static RunResult Start(ResolvedRecipe recipe, string folder, IEnumerable<Callback> callbacks, Action<Notice> report,
        ICollective? collective = null, CancellationToken cancellation = default)
    {
        collective = recipe.Recipe.Epochs == 0 ? null : collective;      // where nothing is trained there is nothing to share
        RequireOfFirstRank(callbacks, collective);
        return WithFollowers(collective, places => With(
            recipe with
            {
                Recipe = recipe.Recipe with { Ranks = collective?.Size ?? 1 },
                MostThreads = places?.MostThreads ?? recipe.MostThreads,
            },
            null, collective ?? new SingleProcess(), run =>
            {
                DataNeeds.Require(run.resolved, run.data.Pair, run.model);
                run.LoadWeights(report);
                _ = run.TrainingLoss;      // a file of weights that cannot be used is refused
                run.Share();
                var runFolder = RunFolder.Create(folder, run.Recipe, run.card, Provenance.Describe(places?.Hosts), run.data);
                using var owned = RunLock.Take(runFolder.Path);
                if (places?.Bound is { } bound)
                    report(new Notice(bound, IsWarning: true));
                return run.TrainIn(runFolder, resume: null, callbacks, report, cancellation);
            }));
    }

    /// <summary>
    /// Resumes a run from its latest intact checkpoint, or from step 0 when it has none; returns the stored result when it is finished.
    /// </summary>
    /// <exception cref="InputException">
    /// The folder is not a run, another process works in it, or its data has gone or has other classes by now. Other images are warned of:
    /// the result is not the one that the run would have had.
    /// </exception>
    /// <exception cref="OutputException">A file of the run could not be written; it can be resumed.</exception>
    public static RunResult Resume(string folder, IEnumerable<Callback> callbacks, Action<Notice> report,
        ICollective? collective = null, CancellationToken cancellation = default)
    {
        var runFolder = RunFolder.Open(folder);
        if (runFolder.Finished)
            return runFolder.ReadResult();
        using var owned = RunLock.Take(runFolder.Path);
        collective = runFolder.Recipe.Epochs == 0 ? null : collective;
        RequireOfFirstRank(callbacks, collective);
        return WithFollowers(collective, _ => With(runFolder.Recipe.ResolveStored(), runFolder, collective ?? new SingleProcess(), run =>
        {
            if (run.data.ChangesSince(runFolder) is { } changes)
                report(new Notice($"the run began with other data than there is now ({changes}): it goes on, but not to the same bits",
                    IsWarning: true));
            var checkpoint = runFolder.Checkpoints.Load(line => report(new Notice(line, IsWarning: true)));
            if ((checkpoint?.Ranks ?? run.Recipe.Ranks) is var before && before != (collective?.Size ?? 1))
                report(new Notice($"the run had {Counted(before)} and has {Counted(collective?.Size ?? 1)} now: it goes on equal to "
                    + "rounding, not to the same bits", IsWarning: true));
            if (checkpoint is null)
            {
                runFolder.DeleteEvents();
                run.LoadWeights(report);
            }
            report(new Notice(checkpoint is null ? "resuming: no checkpoint yet, beginning at step 0"
                : $"resuming after epoch {checkpoint.Epoch}, step {checkpoint.StepInEpoch}"));
            run.Share();
            return run.TrainIn(runFolder, checkpoint, callbacks, report, cancellation);
        }));
    }

    // Rank 0 alone has them: one that changes the training would change it there alone.
    private static void RequireOfFirstRank(IEnumerable<Callback> callbacks, ICollective? collective)
    {
        if (collective is { Size: > 1 } && callbacks.FirstOrDefault(callback => !callback.OnFirstRankOnly) is { } other)
            throw new ArgumentException("With several ranks a run takes callbacks that write or speak, "
                + $"{nameof(Callback.OnFirstRankOnly)}. Received: {other.GetType().Name}. Use a Trainer of your own, whose callbacks are "
                + "on every rank.", nameof(callbacks));
    }

    private static string Counted(int ranks) => ranks == 1 ? "1 rank" : $"{ranks} ranks";

    // Rank 0 calls the others and learns where they are; alone there is nobody to call.
    private static T WithFollowers<T>(ICollective? collective, Func<RankPlaces?, T> work) =>
        collective is null or { Size: 1 } ? work(null) : Ranks.Of(collective).Together(ranks =>
        {
            Followers.CallToTrain(ranks);
            return work(RankPlaces.Of(ranks));
        });

    /// <summary>On a rank other than 0, called to train: gets the recipe, opens the data and trains with the others.</summary>
    internal static void Follow(ICollective collective, Ranks ranks, CancellationToken cancellation)
    {
        RankPlaces.Of(ranks);
        var recipe = ranks.Unhurried(() => ranks.Broadcast(null));      // rank 0 opens its data first
        var asked = Recipe.FromJson(Encoding.UTF8.GetString(recipe));
        var card = ModelCard.FromJson(Encoding.UTF8.GetString(ranks.Broadcast(null)), "the network of rank 0");
        var device = NativeLibraries.Device(asked.Device);
        var data = RunData.Open(RecipePaths.Here(asked), card);
        using var model = new SeedStream(asked.Seed).Network(card.CreateModel);
        var run = new TrainingRun(asked.ResolveStored(), data, card, model, device, collective);
        data.RequireSameOn(ranks);
        using var threads = HardwareChoices.OnThreads(run.Recipe.Threads);
        run.Train(null, null, [], _ => { }, cancellation);
    }

    // On rank 0, as soon as all is settled.
    private void Share()
    {
        var ranks = Ranks.Of(collective);
        if (ranks.Alone)
            return;
        ranks.Broadcast(Encoding.UTF8.GetBytes(Recipe.ToJson()));
        ranks.Broadcast(Encoding.UTF8.GetBytes(card.ToJson()));
        data.RequireSameOn(ranks);
    }

    /// <summary>
    /// Refuses what
    /// <see cref="Start(ResolvedRecipe, string, IEnumerable{Callback}, Action{Notice}, ICollective, CancellationToken)"/>
    /// would refuse once it has the data and the model, and starts nothing.
    /// </summary>
    /// <exception cref="InputException">The recipe or its data cannot be used.</exception>
    internal static void RequireFit(ResolvedRecipe recipe)
    {
        if (!DataNeeds.Any(recipe.Stack))
            return;
        With(recipe, null, new SingleProcess(), run =>
        {
            DataNeeds.Require(run.resolved, run.data.Pair, run.model);
            return true;
        });
    }

    private void LoadWeights(Action<Notice> report)
    {
        if (Recipe.Weights is not { } weights)
            return;
        var loaded = PretrainedWeights.Load(weights, model);
        string[] fresh = [.. loaded.Missing.Concat(loaded.Reshaped).Except(model.HeadNames)];
        // Another last layer is what weights are taken for.
        report(new Notice(loaded.Summary, IsWarning: fresh.Length > 0));
        if (fresh.Length > 0 && (Recipe.Freeze || Recipe.FreezeEpochs > 0))
            throw new InputException($"Features that stay as they are must all be in {weights}. Received: {fresh.Length} that would stay "
                + $"random, {string.Join(", ", fresh.Take(4))}{(fresh.Length > 4 ? ", …" : "")}. Choose the `Model` that they were "
                + "trained in, or omit `Freeze`.");
    }

    private RunResult TrainIn(RunFolder folder, Checkpoint? resume, IEnumerable<Callback> callbacks, Action<Notice> report,
        CancellationToken cancellation)
    {
        try
        {
            return Recipe.Epochs == 0 ? Adopt(folder) : Train(folder, resume, callbacks, report, cancellation);
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

    // Without a folder on a rank that writes none.
    private RunResult Train(RunFolder? folder, Checkpoint? resume, IEnumerable<Callback> callbacks, Action<Notice> report,
        CancellationToken cancellation)
    {
        foreach (var notice in data.Describe())
            report(notice);
        if (remark is not null)
            report(new Notice(remark, IsWarning: true));
        if (model is ResNet { Stem: var stem })
            report(new Notice($"{model.Id} has the {(stem == Stem.Small ? "small stem: 3×3, no pooling"
                : "stem of ImageNet: 7×7 with stride 2, max-pooling")} (`Stem`)"));
        var seeds = new SeedStream(Recipe.Seed);
        using var trainLoader = new BatchLoader(data.Train, seeds, resolved.Loading with { LeastBatch = leastBatch });
        using var validationLoader = new BatchLoader(data.Validation, seeds, LoaderOptions.Evaluation(LoaderOptions.EvaluationBatch));
        using var testLoader = new BatchLoader(data.Test, seeds, LoaderOptions.Evaluation(LoaderOptions.EvaluationBatch));
        var options = new TrainerOptions
        {
            Epochs = Recipe.Epochs,
            Optimizer = resolved.Optimizer,
            Schedule = resolved.Schedule(trainLoader.Steps),
            Loss = TrainingLoss,
            EvaluationLoss = resolved.LossOn(data.Train),
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

    // How sure the network is, or of several labels what counts as a yes, is part of it: fitted for the weights that predict, on the
    // validation images, if there are any beside the test images.
    private void Calibrate(RunFolder folder)
    {
        if (Recipe.ValidatesOnTest && !card.MultiLabel)
            return;
        if (File.Exists(folder.Checkpoints.BestWeights))
            Safetensors.LoadInto(folder.Checkpoints.BestWeights, model);
        var subject = new Subject(model, data.Validation, new SeedStream(Recipe.Seed)) { Device = device };
        var calibrated = card.MultiLabel
            ? card with { Threshold = SeveralLabels.Scores(subject, model, data.Validation).BestThreshold() }
            : card with { Temperature = LabelledLogits.Of(subject, data.Validation).Temperature() };
        AtomicFile.WriteText(folder.Checkpoints.Card, calibrated.ToJson() + "\n");
    }

    // Nothing is trained: weights from elsewhere become a finished run.
    private RunResult Adopt(RunFolder folder)
    {
        Safetensors.Save(folder.Checkpoints.LastWeights, model.state_dict());
        using var test = new BatchLoader(data.Test, new SeedStream(Recipe.Seed), LoaderOptions.Evaluation(LoaderOptions.EvaluationBatch));
        var tested = EvaluationPass.Run(model.to(device), test, resolved.LossOn(data.Train), device);
        var score = TestScore.Of(0, tested);
        var result = new RunResult(score, score, Recipe.ValidatesOnTest, 0, 0, 0, tested.Images);
        Calibrate(folder);
        folder.WriteResult(result);
        return result;
    }

    // The test set is read once for each set of weights that is reported, after the fit.
    private TestScore TestBest(RunFolder? folder, BatchLoader test, int bestEpoch, TestScore last)
    {
        if (bestEpoch == last.Epoch)
            return last;
        if (folder is not null)
            Safetensors.LoadInto(folder.Checkpoints.BestWeights, model);
        RankWeights.Share(Ranks.Of(collective), model);
        var result = EvaluationPass.Run(model, test, resolved.LossOn(data.Train), device, collective);
        return TestScore.Of(bestEpoch, result);
    }
}
