using System.Text;
using Patchwork.Distributed;
using Patchwork.Inference;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Training;

namespace Patchwork.Runs;

/// <summary>
/// Runs a recipe in a run folder: opens the data, creates the model, trains and tests it. The library call behind <c>patchwork train</c>.
/// </summary>
public static class TrainingRun
{
    // Network and threads exist only while the work runs.
    private static T With<T>(ResolvedRecipe asked, RunFolder? resumed, ICollective collective, Func<SettledRun, T> work)
    {
        var device = NativeLibraries.Device(asked.Recipe.Device);
        asked = asked with { Recipe = RecipePaths.Settled(asked.Recipe) };      // full paths: the run resumes from any folder
        var weights = resumed is null && asked.Recipe.Weights is { } path ? WeightsCard.Of(path) : null;
        if (weights is not null)
            asked = asked with { Recipe = RecipePaths.WithWeights(RecipePaths.WithModel(asked.Recipe), weights) };
        var data = resumed is null ? RunData.Open(asked.Recipe) : RunData.Open(resumed);
        // The weights' normalization applies if the channels match; weights for color images are not normalized for grey ones.
        if (weights?.Normalization is { } normalization && asked.Recipe.Normalization is null
            && normalization.Mean.Count == data.Pair.Train.Channels)
        {
            asked = asked with { Recipe = asked.Recipe with { Normalization = normalization.ToString() } };
            data = data.Normalized(asked.Recipe, normalization);
        }
        var card = asked.Card(data.Pair.Train) with { Data = data.Record.Train.Digest, Version = Provenance.Version };
        using var model = new SeedStream(asked.Recipe.Seed).Network(card.CreateModel);
        var run = new SettledRun(asked, data, card, model, device, collective);
        using var threads = HardwareChoices.OnThreads(run.Recipe.Threads);
        return work(run);
    }

    /// <summary>
    /// Resolves a recipe and trains it in a new folder. All input is checked before the folder is created.
    /// </summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="folder">The run folder; must not exist.</param>
    /// <param name="callbacks">
    /// Callbacks in addition to those of every run. With several ranks they run on rank 0 only and must only write or print.
    /// </param>
    /// <param name="report">Receives notices for the user, one line each.</param>
    /// <param name="collective">
    /// The processes that train together: this one is rank 0, the others run <see cref="Followers"/>. Null for this process alone.
    /// </param>
    /// <param name="cancellation">Stops the run between two steps; it can be resumed.</param>
    /// <exception cref="InputException">The recipe or its data cannot be used.</exception>
    /// <exception cref="OutputException">A file of the run could not be written; it can be resumed.</exception>
    public static RunResult Start(Recipe recipe, string folder, IEnumerable<Callback> callbacks, Action<Notice> report,
        ICollective? collective = null, CancellationToken cancellation = default) =>
        Start(recipe.Resolve(), folder, callbacks, report, collective, cancellation);

    /// <summary>Trains a resolved recipe in a new folder.</summary>
    /// <inheritdoc cref="Start(Recipe, string, IEnumerable{Callback}, Action{Notice}, ICollective, CancellationToken)"/>
    public static RunResult Start(ResolvedRecipe recipe, string folder, IEnumerable<Callback> callbacks, Action<Notice> report,
        ICollective? collective = null, CancellationToken cancellation = default)
    {
        collective = recipe.Recipe.Epochs == 0 ? null : collective;      // nothing to share without training
        RequireOfFirstRank(callbacks, collective);
        return WithFollowers(collective, places => With(
            recipe with
            {
                Recipe = recipe.Recipe with { Ranks = collective?.Size ?? 1 },
                MostThreads = places?.MostThreads ?? recipe.MostThreads,
            },
            null, collective ?? new SingleProcess(), run =>
            {
                run.RequireData();
                run.LoadWeights(report);
                _ = run.TrainingLoss;      // rejects an unusable file of class weights
                run.Share();
                var runFolder = RunFolder.Create(folder, run.Recipe, run.Card, Provenance.Describe(places?.Hosts), run.Data);
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
    /// The folder is not a run, another process works in it, its data is missing, or the classes have changed. If only images have changed,
    /// the run continues with a warning: its result differs from that of an uninterrupted run.
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
            if (run.Data.ChangesSince(runFolder) is { } changes)
                report(new Notice($"the data has changed since the run began ({changes}): the run continues, but its result is not "
                    + "bit-identical", IsWarning: true));
            var checkpoint = runFolder.Checkpoints.Load(line => report(new Notice(line, IsWarning: true)));
            if ((checkpoint?.Ranks ?? run.Recipe.Ranks) is var before && before != (collective?.Size ?? 1))
                report(new Notice($"the run had {Counted(before)} and now has {Counted(collective?.Size ?? 1)}: it continues equal up "
                    + "to rounding, not bit for bit", IsWarning: true));
            if (checkpoint is null)
            {
                runFolder.DeleteEvents();
                run.LoadWeights(report);
            }
            report(new Notice(checkpoint is null ? "resuming: no checkpoint yet, starting from step 0"
                : $"resuming after epoch {checkpoint.Epoch}, step {checkpoint.StepInEpoch}"));
            run.Share();
            return run.TrainIn(runFolder, checkpoint, callbacks, report, cancellation);
        }));
    }

    // They run on rank 0 only; one that changes the training would change it there only.
    private static void RequireOfFirstRank(IEnumerable<Callback> callbacks, ICollective? collective)
    {
        if (collective is { Size: > 1 } && callbacks.FirstOrDefault(callback => !callback.OnFirstRankOnly) is { } other)
            throw new ArgumentException($"With several ranks, callbacks must be {nameof(Callback.OnFirstRankOnly)}: they only write "
                + $"or print. Received: {other.GetType().Name}. Use your own Trainer, whose callbacks run on every "
                + "rank.", nameof(callbacks));
    }

    private static string Counted(int ranks) => ranks == 1 ? "1 rank" : $"{ranks} ranks";

    // Rank 0 calls the others and collects their hosts.
    private static T WithFollowers<T>(ICollective? collective, Func<RankPlaces?, T> work) =>
        collective is null or { Size: 1 } ? work(null) : Ranks.Of(collective).Together(ranks =>
        {
            Followers.CallToTrain(ranks);
            return work(RankPlaces.Of(ranks));
        });

    /// <summary>Runs on a rank other than 0: receives the recipe, opens the data and trains with the others.</summary>
    internal static void Follow(ICollective collective, Ranks ranks, CancellationToken cancellation)
    {
        RankPlaces.Of(ranks);
        var recipe = ranks.Unhurried(() => ranks.Broadcast(null));      // rank 0 opens its data first
        var asked = Recipe.FromJson(Encoding.UTF8.GetString(recipe));
        var card = ModelCard.FromJson(Encoding.UTF8.GetString(ranks.Broadcast(null)), "the network of rank 0");
        var device = NativeLibraries.Device(asked.Device);
        var data = RunData.Open(RecipePaths.Here(asked), card);
        using var model = new SeedStream(asked.Seed).Network(card.CreateModel);
        var run = new SettledRun(asked.ResolveStored(), data, card, model, device, collective);
        data.RequireSameOn(ranks);
        using var threads = HardwareChoices.OnThreads(run.Recipe.Threads);
        run.Train(null, null, [], _ => { }, cancellation);
    }

    /// <summary>
    /// Checks a recipe as
    /// <see cref="Start(ResolvedRecipe, string, IEnumerable{Callback}, Action{Notice}, ICollective, CancellationToken)"/>
    /// does once it has the data and the model, without starting a run.
    /// </summary>
    /// <exception cref="InputException">The recipe or its data cannot be used.</exception>
    internal static void RequireFit(ResolvedRecipe recipe)
    {
        DataNeeds.RequireNetwork(recipe);
        if (!DataNeeds.Any(recipe.Stack))
            return;
        With(recipe, null, new SingleProcess(), run =>
        {
            run.RequireData();
            return true;
        });
    }
}
