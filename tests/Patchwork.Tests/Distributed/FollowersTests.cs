using Patchwork.Comparisons;
using Patchwork.Data;
using Patchwork.Distributed;
using Patchwork.Evaluation;
using Patchwork.Losses;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Patchwork.Training;
using TorchSharp;
using Xunit;

namespace Patchwork.Tests.Distributed;

/// <summary>Tests that rank 0 works as a single process does while the other ranks serve it.</summary>
[Collection(SerialCollection.Name)]
public sealed class FollowersTests : IDisposable
{
    private static readonly Recipe Short = new() { PerClass = 4, Epochs = 2, BatchSize = 12, Threads = 1, Precision = Precision.Float32, Ema = 0.9 };

    private readonly PictureSet files = new();

    // Runs work on rank 0 and then dismisses its followers.
    private static T Lead<T>(int ranks, Func<ICollective, T> work) => ThreadRanks.Run(ranks, collective =>
    {
        if (collective.Rank > 0)
        {
            Followers.Serve(collective, TestContext.Current.CancellationToken);
            return default!;
        }
        var result = work(collective);
        Followers.Dismiss(collective);
        return result;
    })[0];

    private RunResult Train(Recipe recipe, string run, ICollective ranks) =>
        TrainingRun.Start(recipe, files.At(run), [], _ => { }, ranks, TestContext.Current.CancellationToken);

    [Fact]
    public void Three_ranks_evaluate_a_thousand_images_as_one_process_does()
    {
        EvaluationResult Evaluate(ICollective ranks)
        {
            using var model = new SeedStream(3).Network(() => ModelZoo.Create("resnet8", 10));
            using var loader = new BatchLoader(DatasetCatalogue.Open("clothing", new DataOptions()).Test, new SeedStream(1), LoaderOptions.Evaluation(64));
            return EvaluationPass.Run(model, loader, new CrossEntropy(), torch.CPU, ranks);
        }
        var alone = Evaluate(new SingleProcess());
        Assert.Equal(1000, alone.Images);
        Assert.All(ThreadRanks.Run(3, Evaluate), result => Assert.Equal(alone, result));
    }

    [Fact]
    public void Three_ranks_measure_suites_as_one_process_does()
    {
        Lead(2, ranks => Train(Short, "run", ranks));
        foreach (var file in Directory.GetFiles(files.At("run"), "*", SearchOption.AllDirectories))
        {
            var copy = files.At(Path.Combine("alone", Path.GetRelativePath(files.At("run"), file)));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        var options = new EvaluationOptions { Suites = Suites.Parse("clean,calibration,occlusion"), Limit = 60 };
        var shared = Lead(3, ranks => RunEvaluation.Run(files.At("run"), options, _ => { }, _ => { }, ranks, TestContext.Current.CancellationToken));
        var alone = RunEvaluation.Run(files.At("alone"), options, _ => { }, _ => { }, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(alone.Select(one => one.Suite.Id), shared.Select(one => one.Suite.Id));
        foreach (var file in (string[])["evaluation.json", "evaluation/clean.json", "evaluation/calibration.json", "evaluation/occlusion.json"])
            Assert.Equal(File.ReadAllText(files.At($"alone/{file}")), File.ReadAllText(files.At($"run/{file}")));
    }

    [Fact]
    public void A_comparison_trains_each_run_on_all_ranks()
    {
        var result = Lead(2, ranks => new Comparison(Short with { Epochs = 1 }, ["baseline", "cutmix"], 1) { Collective = ranks }
            .Run(files.At("compared"), _ => [], (_, _) => { }, cancellation: TestContext.Current.CancellationToken));
        Assert.Equal(1, result.Jobs);
        Assert.All(result.Runs, run => Assert.Equal(2, RunFolder.Open(run.Folder).Recipe.Ranks));
        var refused = Assert.Throws<InputException>(() => ThreadRanks.Run(2, ranks =>
            new Comparison(Short, ["baseline"], 1, jobs: 2) { Collective = ranks }));
        Assert.Equal(
            "Ranks must train one run at a time, together. Received: jobs = 2 for 2 ranks. Omit `Jobs`, or start without a launcher.",
            refused.Message);
    }

    [Fact]
    public void An_error_on_rank_0_ends_its_followers_with_the_same_message()
    {
        var failures = ThreadRanks.Failures(2, collective =>
        {
            if (collective.Rank > 0)
                Followers.Serve(collective, TestContext.Current.CancellationToken);
            else
                Train(Short with { BatchSize = 3 }, "small", collective);
        });
        Assert.All(failures, failure => Assert.Equal(
            "`BatchSize` must be 4 or more for 2 ranks, each of which needs 2 images. Received: batchSize = 3.", Assert.IsType<InputException>(failure).Message));
        Assert.False(Directory.Exists(files.At("small")));
    }

    // Machines may have different numbers of cores, and a launcher may bind each of two ranks to one core of eight.
    [Fact]
    public void A_rank_gets_its_share_of_the_cores_and_a_tight_binding_is_reported()
    {
        RankPlace Free(string host, int cores) => new(host, $"0-{cores - 1}", cores, cores);
        Assert.Equal(4, RankPlaces.Of(Free("a", 8), Free("a", 8)).MostThreads);
        Assert.Equal(2, RankPlaces.Of(Free("a", 8), Free("b", 2)).MostThreads);
        Assert.Equal(1, RankPlaces.Of(Free("a", 2), Free("a", 2), Free("a", 2)).MostThreads);
        Assert.Null(RankPlaces.Of(Free("a", 8), Free("a", 8)).Bound);
        var bound = RankPlaces.Of(new("a", "0", 1, 8), new("a", "1", 1, 8));
        Assert.Equal(1, bound.MostThreads);
        Assert.StartsWith("the launcher has bound the ranks on a to 2 of its 8 cores", bound.Bound, StringComparison.Ordinal);
        Assert.Null(RankPlaces.Of(new("a", "0-3", 4, 8), new("a", "4-7", 4, 8)).Bound);
    }

    [Fact]
    public void Launchers_are_detected_by_their_environment_variables()
    {
        Launcher? Of(params (string, string)[] variables) =>
            Launcher.Detect(name => variables.FirstOrDefault(one => one.Item1 == name).Item2);
        Assert.Null(Of());
        Assert.Equal((4, 3), Of(("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_RANK", "3")) is { } open ? (open.Size, open.Rank) : default);
        Assert.Equal((2, 0), Of(("PMI_SIZE", "2"), ("PMI_RANK", "0")) is { } mpich ? (mpich.Size, mpich.Rank) : default);
        Assert.Equal((8, 7), Of(("SLURM_STEP_NUM_TASKS", "8"), ("SLURM_PROCID", "7")) is { } slurm ? (slurm.Size, slurm.Rank) : default);
        Assert.Null(Of(("OMPI_COMM_WORLD_SIZE", "1"), ("OMPI_COMM_WORLD_RANK", "0")));      // a single process
        Assert.Null(Of(("SLURM_NTASKS", "4"), ("SLURM_PROCID", "0")));      // the job script itself
        Assert.Null(Of(("PMI_SIZE", "many"), ("PMI_RANK", "0")));
    }

    public void Dispose() => files.Dispose();
}
