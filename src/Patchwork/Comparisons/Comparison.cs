using Patchwork.Distributed;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Training;

namespace Patchwork.Comparisons;

/// <summary>
/// Every method with every seed of one recipe, each run in its own folder. Finished runs are read, partial ones resumed, and missing ones
/// trained.
/// </summary>
public sealed class Comparison
{
    private readonly Recipe recipe;
    private readonly IReadOnlyList<ResolvedRecipe> resolved;
    private readonly int? askedJobs;

    /// <summary>Plans a comparison.</summary>
    /// <param name="recipe">
    /// The recipe that the runs share; each run keeps the keys that act on its method, and has its own method and seed.
    /// </param>
    /// <param name="methods">Method ids, <c>baseline</c> included.</param>
    /// <param name="seeds">Number of seeds per method, consecutive from the recipe's seed.</param>
    /// <param name="jobs">
    /// Runs at a time. Range: at least 1. Default: one per core, or fewer so that each has 4 GiB of memory; one on a GPU.
    /// </param>
    /// <exception cref="InputException">A method is unknown or named twice, there is nothing to do, or a key acts on none of the
    /// methods.</exception>
    public Comparison(Recipe recipe, IReadOnlyList<string> methods, int seeds, int? jobs = null)
    {
        methods = [.. methods.Select(method => method.ToLowerInvariant())];
        recipe = RecipePaths.WithModel(recipe);
        if (recipe.Folds is { } folds && seeds > folds)
            throw new InputException("A cross-validation must have at most as many seeds as folds, because each seed tests on its own "
                + $"fold. Received: {seeds} seeds for {folds} folds.");
        if (methods.Count == 0 || seeds < 1)
            throw new InputException($"A comparison needs at least one method and one seed. Received: {methods.Count} methods, {seeds} "
                + "seeds.");
        if (jobs < 1)
            throw new InputException($"The number of runs at a time must be at least 1. Received: jobs = {jobs}.");
        if (methods.Distinct().Count() < methods.Count)
            throw new InputException($"Each method must be named only once. Received: {string.Join(",", methods)}.");
        resolved = recipe.Resolve(methods);
        (this.recipe, Methods, Seeds, askedJobs) = (recipe, methods, seeds, jobs);
    }

    // Shared settings apply only where they have an effect; each run's own recipe omits the others.
    private ResolvedRecipe Of(string method, ulong seed) => Of(resolved.Single(one => one.Recipe.Method == method), seed);

    private ResolvedRecipe Of(ResolvedRecipe shared, ulong seed) => shared with
    {
        Recipe = shared.Recipe with
        {
            Seed = seed,
            Weights = recipe.Weights is { } weights ? WeightsOf(weights, shared.Recipe.Method, seed) : null,
        },
    };

    /// <summary>The weights of one run, if <c>{method}</c> and <c>{seed}</c> stand for what differs between the runs.</summary>
    internal static string WeightsOf(string weights, string method, ulong seed) =>
        weights.Replace("{method}", RunFolder.NameOf(method), StringComparison.Ordinal)
            .Replace("{seed}", $"{seed}", StringComparison.Ordinal);

    /// <summary>The recipe that the runs share.</summary>
    public Recipe Recipe => recipe;

    /// <summary>The methods, in the order they were given.</summary>
    public IReadOnlyList<string> Methods { get; }

    /// <summary>Number of seeds per method.</summary>
    public int Seeds { get; }

    /// <summary>The seeds: the recipe's and those that follow it.</summary>
    public IReadOnlyList<ulong> RunSeeds => [.. Enumerable.Range(0, Seeds).Select(k => recipe.Seed + (ulong)k)];

    /// <summary>
    /// Number of runs at a time, each on its own thread. If the recipe does not set the number of torch threads, every run gets an equal
    /// share of the cores.
    /// </summary>
    public int Jobs => Collective is { Size: > 1 } ? 1 : askedJobs ?? ParallelRuns.Fitting(Methods.Count * Seeds, recipe);

    /// <summary>
    /// Processes that train each run together, one run at a time, of which this is rank 0 and the others serve as
    /// <see cref="Followers"/>. Null, the default: this process alone.
    /// </summary>
    /// <exception cref="InputException">Several runs at a time are requested.</exception>
    public ICollective? Collective
    {
        get;
        init => field = value is not { Size: > 1 } || askedJobs is null or 1 ? value
            : throw new InputException($"Ranks must train one run at a time, together. Received: jobs = {askedJobs} for {value.Size} "
                + "ranks. Omit `Jobs`, or start without a launcher.");
    }

    /// <summary>
    /// The names of the runs in messages, in the order in which they start: seeds in the outer loop, so that a comparison that is stopped
    /// early has complete seeds.
    /// </summary>
    public IReadOnlyList<string> Labels => [.. Plan().Select(run => ComparedRun.LabelOf(run.Method, run.Seed))];

    /// <summary>Trains all runs that are not finished, and resumes partial ones.</summary>
    /// <param name="folder">The folder for the run folders.</param>
    /// <param name="callbacks">Callbacks for a run, by its label; called on the thread of that run.</param>
    /// <param name="report">Receives lines for the user, with the run's label, on the thread of that run.</param>
    /// <param name="finished">
    /// Receives each run when it ends or is found finished, on the thread of that run; null: nothing is called.
    /// </param>
    /// <param name="cancellation">Ends the comparison between two steps; the same call resumes it.</param>
    public ComparisonResult Run(string folder, Func<string, IEnumerable<Callback>> callbacks, Action<string, Notice> report,
        Action<ComparedRun>? finished = null, CancellationToken cancellation = default)
    {
        foreach (var method in Methods.Where(method => !Directory.Exists(PathOf(folder, method, recipe.Seed))))
            TrainingRun.RequireFit(Of(method, recipe.Seed));      // before the first one is trained
        RequireSameData(folder, report);
        var mostThreads = Jobs > 1 ? Math.Max(1, Environment.ProcessorCount / Jobs) : (int?)null;
        // Choices that are left to the machine are made once for all runs, including runs that are added later on another machine.
        var first = Plan().Select(run => PathOf(folder, run.Method, run.Seed)).FirstOrDefault(Directory.Exists);
        var settled = first is null ? null : RunFolder.Open(first).Recipe;
        var runs = ParallelRuns.Run(Plan(), Jobs, (run, stop) =>
        {
            stop.ThrowIfCancellationRequested();
            var label = ComparedRun.LabelOf(run.Method, run.Seed);
            var path = PathOf(folder, run.Method, run.Seed);
            var wanted = Settled(Of(run.Method, run.Seed), settled);
            var result = Directory.Exists(path)
                ? Continue(path, wanted.Recipe, callbacks(label), notice => report(label, notice), Collective, stop)
                : TrainingRun.Start(wanted with { MostThreads = mostThreads }, path, callbacks(label), notice => report(label, notice),
                    Collective, stop);
            var done = new ComparedRun(run.Method, run.Seed, path, result);
            finished?.Invoke(done);
            return done;
        }, cancellation);
        return WithOthers(folder, runs, report);
    }

    // The folder may have finished runs of other methods from an earlier call; one report covers all of them. They count if they have the
    // same seeds, recipe and data; nothing else in the folder may invalidate what has been trained.
    private ComparisonResult WithOthers(string folder, IReadOnlyList<ComparedRun> runs, Action<string, Notice> report)
    {
        var (allResolved, allRuns) = (new List<ResolvedRecipe>(resolved), new List<ComparedRun>(runs));
        var own = runs.DistinctBy(run => run.Seed).ToDictionary(run => run.Seed, run => RunFolder.Open(run.Folder));
        foreach (var name in MethodsIn(folder).Except(Methods.Select(method => RunFolder.NameOf(method))))
        {
            try
            {
                RunFolder[] found = [.. RunSeeds.Select(seed => PathOf(folder, name, seed)).Where(Directory.Exists)
                    .Select(RunFolder.Open)];
                if (found.Length < Seeds || found.Any(run => !run.Finished))
                    continue;
                var method = found[0].Recipe.Method;
                if (RunFolder.NameOf(method) != name)
                    throw new InputException($"the folders hold runs of {method}.");
                var wanted = Settled(recipe.Resolve([.. Methods, method])[^1], own.Values.First().Recipe);
                if (found.Zip(RunSeeds, (run, seed) => Difference(run, Of(wanted, seed).Recipe, own[seed])).OfType<string>()
                    .FirstOrDefault() is { } difference)
                    throw new InputException($"{difference}.");
                allRuns.AddRange(found.Zip(RunSeeds, (run, seed) => new ComparedRun(method, seed, run.Path, run.ReadResult())).ToArray());
                allResolved.Add(wanted);
            }
            catch (InputException error)
            {
                report(name, new Notice($"its runs in {folder} are not reported with the others: {error.Message.TrimEnd('.')}",
                    IsWarning: true));
            }
        }
        return new ComparisonResult(recipe, [.. allResolved.OrderBy(one => one.Recipe.Method != Mixing.Methods.Baseline)], allRuns)
        {
            Jobs = Jobs,
        };
    }

    // The first difference that makes a run incomparable with another one; null if there is none.
    private static string? Difference(RunFolder run, Recipe wanted, RunFolder other) =>
        other.ReadData() is { } data && run.ReadData()?.Changes(data) is [var images, ..] ? images
            : Differences(run.Path, wanted) is [var key, ..] ? key : null;

    // The names of methods as parts of folder names.
    private static IEnumerable<string> MethodsIn(string folder) => Directory.EnumerateDirectories(folder).Select(Path.GetFileName)
        .Select(name => name!.LastIndexOf("-seed", StringComparison.Ordinal) is > 0 and var end ? name[..end] : "")
        .Where(name => name.Length > 0).Distinct().Order(StringComparer.Ordinal);

    // Runs on different images are not comparable, so no new runs are added to them. If all runs are finished, they are reported as they
    // are.
    private void RequireSameData(string folder, Action<string, Notice> report)
    {
        var plan = Plan().Select(run => (Label: ComparedRun.LabelOf(run.Method, run.Seed), Path: PathOf(folder, run.Method, run.Seed)));
        var there = plan.Where(run => Directory.Exists(run.Path)).Select(run => (run.Label, Folder: RunFolder.Open(run.Path))).ToArray();
        var now = new Dictionary<object, RunData>();      // keyed by everything that determines the data, which most runs share
        foreach (var (label, run) in there)
        {
            if (run.ReadData() is null)
                continue;
            var key = (run.Recipe.Dataset, run.Recipe.Opening(), run.Recipe.Subset, run.Recipe.PerClass, run.Recipe.Validation,
                run.Recipe.TestedFold);
            if (!now.TryGetValue(key, out var data))
                now[key] = data = RunData.Open(run);
            if (data.ChangesSince(run) is not { } changes)
                continue;
            if (there.Length < Plan().Count || there.Any(one => !one.Folder.Finished))
                throw new InputException($"{run.Path} was trained on data that has changed since ({changes}), so new runs would not be "
                    + "comparable with it. Restore the data, or choose another folder.");
            report(label, new Notice($"trained on data that has changed since ({changes}); reported as it was", IsWarning: true));
        }
    }

    /// <summary>The labels of the runs in a folder that are finished.</summary>
    public IReadOnlyList<string> Finished(string folder) =>
        [.. from run in Plan() let path = PathOf(folder, run.Method, run.Seed) where Directory.Exists(path)
            && RunFolder.Open(path).Finished select ComparedRun.LabelOf(run.Method, run.Seed)];

    private IReadOnlyList<(string Method, ulong Seed)> Plan() =>
        [.. from seed in RunSeeds from method in Methods select (method, seed)];

    private static string PathOf(string folder, string method, ulong seed) => Path.Combine(folder, RunFolder.NameOf(method, $"seed{seed}"));

    private static ResolvedRecipe Settled(ResolvedRecipe wanted, Recipe? stored) => stored is null ? wanted : wanted with
    {
        Recipe = wanted.Recipe with
        {
            Precision = wanted.Recipe.Precision == Precision.Auto ? stored.Precision : wanted.Recipe.Precision,
            ScaledDecoding = wanted.Recipe.ScaledDecoding ?? stored.ScaledDecoding,
        },
    };

    private static RunResult Continue(string path, Recipe wanted, IEnumerable<Callback> callbacks, Action<Notice> report,
        ICollective? collective, CancellationToken cancellation)
    {
        if (Differences(path, wanted) is { Count: > 0 } differences)
            throw new InputException($"{path} holds a run of another recipe than the requested one: {string.Join(", ", differences)}. "
                + $"Choose another folder, or compare with the options of that run ({Path.Combine(path, "recipe.json")}).");
        return TrainingRun.Resume(path, callbacks, report, collective, cancellation);
    }

    // The differences between the recipe of a run and the requested one.
    private static IReadOnlyList<string> Differences(string path, Recipe wanted)
    {
        var stored = RecipePaths.Settled(RunFolder.Open(path).Recipe.ResolveStored().Recipe);
        wanted = RecipePaths.Settled(wanted);      // independent of the current folder
        // A run fixes its threads when it starts: 0 means whatever it chose. Precision is fixed too, to float32 if libtorch has no
        // autocast. What is known from the weights about the images and the network was stored when the run started.
        var asked = wanted with
        {
            Stem = wanted.Stem ?? stored.Stem,
            ImageSize = wanted.ImageSize ?? (wanted.Weights is null ? null : stored.ImageSize),
            Normalization = wanted.Normalization ?? (wanted.Weights is null ? null : stored.Normalization),
            Threads = wanted.Threads == 0 ? stored.Threads : wanted.Threads,
            Ranks = stored.Ranks,
            Precision = HardwareChoices.Precision(wanted.Precision, NativeLibraries.Device(wanted.Device)).Precision,
        };
        return asked.Differences(stored);
    }
}
