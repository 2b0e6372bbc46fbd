using System.Text.RegularExpressions;
using Patchwork.Comparisons;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Patchwork.Training;
using Xunit;

namespace Patchwork.Tests.Comparisons;

[Collection(SerialCollection.Name)]
public sealed class ComparisonTests : IDisposable
{
    private readonly PictureSet files = new PictureSet().Paint(perClass: 10);

    public void Dispose() => files.Dispose();

    private Recipe Small => new() { Dataset = "folder", Data = files.Pictures, ImageSize = 16, Epochs = 2, BatchSize = 4 };

    private ComparisonResult Run(Comparison comparison, string folder, Func<string, IEnumerable<Callback>>? callbacks = null) =>
        comparison.Run(files.At(folder), callbacks ?? (_ => []), (_, _) => { }, cancellation: TestContext.Current.CancellationToken);

    // The last three methods draw from torch's generator inside the network at every step.
    [Fact]
    public void Concurrent_runs_equal_sequential_runs_bit_for_bit()
    {
        string[] methods = ["cutmix", "shakedrop", "dropblock", "stochasticdepth"];
        var alone = Run(new Comparison(Small with { Threads = 1 }, methods, seeds: 1, jobs: 1), "alone");
        var together = Run(new Comparison(Small with { Threads = 1 }, methods, seeds: 1, jobs: 4), "together");
        Assert.Equal(methods, together.Runs.Select(run => run.Method));
        foreach (var (one, other) in alone.Runs.Zip(together.Runs))
        {
            byte[] Weights(ComparedRun run) => File.ReadAllBytes(Path.Combine(run.Folder, "checkpoints", "last.safetensors"));
            Assert.Equal(Weights(one), Weights(other));
        }
    }

    [Fact]
    public void A_method_is_compared_with_itself_under_other_options()
    {
        var recipe = Small with { Alpha = 2, Threads = 1 };
        var first = Run(new Comparison(recipe, ["cutmix:probability=0.5", "mixup"], seeds: 1, jobs: 1), "variants");
        var notices = new List<string>();
        var all = new Comparison(recipe, ["cutmix", "cutmix:alpha=0.25"], seeds: 1, jobs: 1).Run(files.At("variants"), _ => [],
            (_, notice) => notices.Add(notice.Text), cancellation: TestContext.Current.CancellationToken);

        Assert.Equal(["cutmix", "cutmix:alpha=0.25", "cutmix:probability=0.5", "mixup"], all.Methods);      // earlier ones included
        Assert.Equal(["CutMix", "CutMix (alpha 0.25)", "CutMix (probability 0.5)", "Mixup"], all.Methods.Select(all.NameOf));
        Assert.DoesNotContain(notices, notice => notice.Contains("not reported", StringComparison.Ordinal));
        Assert.Equal(4, all.Runs.Select(run => run.Result.Last.Loss).Distinct().Count());
        Recipe Stored(string method) => RunFolder.Open(all.Of(method).Single().Folder).Recipe;
        Assert.Equal((2, null, 2), (Stored("cutmix").Alpha, Stored("cutmix:alpha=0.25").Alpha, Stored("mixup").Alpha));

        files.Copy("variants/cutmix-seed1", "variants/cutmix-backup-seed1");      // not a method of its own
        var again = new Comparison(recipe, ["cutmix"], seeds: 1, jobs: 1).Run(files.At("variants"), _ => [],
            (_, notice) => notices.Add(notice.Text), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(4, again.Methods.Count);
        Assert.Contains(notices, notice => notice.Contains("the folders hold runs of cutmix", StringComparison.Ordinal));

        Assert.Contains("Omit `Alpha`", Assert.Throws<InputException>(() => new Comparison(recipe, ["cutmix:alpha=1"], 1)).Message,
            StringComparison.Ordinal);
        Assert.Contains("set only once", Assert.Throws<InputException>(() => new Comparison(
            Small with { Options = new Dictionary<string, string> { ["fixedLambda"] = "1" } }, ["cutmix:fixedlambda=0.5"], 1)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_report_has_one_sheet_for_methods_that_show_the_network_the_same_pictures()
    {
        var compared = Run(new Comparison(Small with { Epochs = 1 },
            ["baseline", "cutmix", "cutmix:probability=0.5", "cutmix:alpha=0.3", "cutmix+labelsmoothing", "cutout"], seeds: 1), "doses");
        new ComparisonReport(compared, "compare").Write(files.At("doses"));
        var page = File.ReadAllText(files.At("doses/report.html"));
        Assert.Equal(["cutmix", "cutmix:alpha=0.3", "cutout"],
            Regex.Matches(page, "<h2[^>]*>What (\\S+) shows the network").Select(match => match.Groups[1].Value));
        Assert.Equal(["cutmix:probability=0.5, cutmix+labelsmoothing"],
            Regex.Matches(page, "The same, where they act: ([^<]*)\\.<").Select(match => match.Groups[1].Value));
    }

    [Fact]
    public void Runs_without_a_number_of_threads_share_the_cores()
    {
        var compared = Run(new Comparison(Small, ["baseline", "cutmix"], seeds: 1, jobs: 2), "shared");
        Assert.All(compared.Runs, run =>
            Assert.Equal(Math.Max(1, Environment.ProcessorCount / 2), RunFolder.Open(run.Folder).Recipe.Threads));
        // and are resumed with any number of jobs
        Assert.Equal(2, Run(new Comparison(Small, ["baseline", "cutmix"], seeds: 1, jobs: 1), "shared").Runs.Count);
    }

    [Fact]
    public void The_failure_of_one_run_ends_the_others_which_can_be_resumed()
    {
        var comparison = new Comparison(Small with { Epochs = 1000 }, ["baseline", "cutmix"], seeds: 1, jobs: 2);
        var error = Assert.Throws<InvalidOperationException>(() => Run(comparison, "failing", label =>
            [new When(label.StartsWith("cutmix", StringComparison.Ordinal) ? () =>
                throw new InvalidOperationException("the disk burns") : () => { })]));
        Assert.Equal("the disk burns", error.Message);
        Assert.Empty(comparison.Finished(files.At("failing")));
        Assert.True(Directory.Exists(Path.Combine(files.At("failing"), "cutmix-seed1")));
    }

    [Fact]
    public void Cancelling_ends_all_runs()
    {
        using var cancellation = new CancellationTokenSource();
        var comparison = new Comparison(Small with { Epochs = 1000 }, ["baseline", "cutmix"], seeds: 1, jobs: 2);
        Assert.ThrowsAny<OperationCanceledException>(() =>
            comparison.Run(files.At("cancelled"), _ => [new When(cancellation.Cancel)], (_, _) => { }, cancellation: cancellation.Token));
        Assert.Empty(comparison.Finished(files.At("cancelled")));
    }

    [Fact]
    public void Labels_are_ordered_by_seed_and_finished_runs_are_known()
    {
        var comparison = new Comparison(Small, ["baseline", "cutmix"], seeds: 2, jobs: 1);
        Assert.Equal(["baseline seed 1", "cutmix seed 1", "baseline seed 2", "cutmix seed 2"], comparison.Labels);
        Assert.Empty(comparison.Finished(files.At("none")));
        Run(new Comparison(Small, ["cutmix"], seeds: 1, jobs: 1), "some");
        Assert.Equal(["cutmix seed 1"], comparison.Finished(files.At("some")));
    }

    [Theory, InlineData(0), InlineData(-2)]
    public void Fewer_than_one_job_is_rejected(int jobs) =>
        Assert.Contains($"jobs = {jobs}", Assert.Throws<InputException>(() => new Comparison(new Recipe(), ["cutmix"], 1, jobs)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void The_number_of_jobs_is_limited_by_the_cores_and_the_runs()
    {
        Assert.InRange(new Comparison(new Recipe(), ["cutmix", "mixup"], seeds: 3).Jobs, 1, Math.Min(6, Environment.ProcessorCount));
        Assert.Equal(1, new Comparison(new Recipe { Threads = Environment.ProcessorCount }, ["cutmix", "mixup"], seeds: 3).Jobs);
        Assert.Equal(1, new Comparison(new Recipe(), ["cutmix"], seeds: 1).Jobs);
        Assert.Equal(1, new Comparison(new Recipe { Device = "cuda" }, ["cutmix", "mixup"], seeds: 3).Jobs);
    }

    private sealed class When(Action firstStep) : Callback
    {
        public override void OnTrainBatchEnd(TrainingState state, Patchwork.Plans.Batch batch) => firstStep();
    }
}
