using System.Text.Json.Nodes;
using Patchwork.Comparisons;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Evaluation;

/// <summary>Tests that a custom suite works from its options to the report, with no code except its own.</summary>
[Collection(SerialCollection.Name)]
public sealed class ToySuiteTests : IDisposable
{
    private readonly PictureSet files = new PictureSet().Paint(perClass: 10);

    public void Dispose() => files.Dispose();

    /// <summary>A suite that measures the error as a function of the brightness of the images.</summary>
    private sealed record DarknessSuite : Suite
    {
        /// <summary>Number of brightness levels from black to the image itself. Range: at least 2. Default 3.</summary>
        public int Steps
        {
            get;
            init => field = value >= 2 ? value : throw new InputException($"`DarknessSuite.Steps` must be at least 2. Received: {value}.");
        } = 3;

        /// <summary>The values of <see cref="Steps"/> that were measured.</summary>
        public required List<int> Measured { get; init; }

        public override string Id => "darkness";

        public override string Title => "Dark images";

        public override string Summary => "Error over the brightness of the images.";

        public override IReadOnlyList<Headline> Headlines => [new("mean_error", "error on dark images, %")];

        public override IReadOnlyList<SuiteOption> Options =>
        [
            new SuiteOption<DarknessSuite>("darkness-steps", "DarknessSuite.Steps", "number of brightnesses (default 3)",
                (suite, text) => suite with { Steps = SuiteOption.Whole(text, "DarknessSuite.Steps") }, suite => suite.Steps),
        ];

        public override IReadOnlyList<SuiteChart> Charts =>
            [new CurveChart("errors", "Error in the dark", "brightness, %", "error, %") { XScale = 100 }];

        public override string? Missing(Dataset test) => test.Channels == 3 ? null : "needs images in colour";

        public override SuiteResult Measure(Subject subject)
        {
            Measured.Add(Steps);
            double[] brightness = [.. Enumerable.Range(0, Steps).Select(step => step / (Steps - 1.0))];
            var errors = new List<double[]>();
            using var model = new PixelModel(subject.Network, subject.Test.Normalization);
            using var noGradient = no_grad();
            foreach (var batch in subject.Batches(subject.Test))
            {
                using var scope = NewDisposeScope();
                var wrong = brightness.Select(share => model.Logits(batch.Images * (float)share).argmax(1).ne(batch.Labels).data<bool>()
                    .ToArray());
                errors.AddRange(Rows([.. wrong]));
            }
            var result = new SuiteResult();
            result.AddMean("mean_error", [.. errors.Select(row => row.Average())], subject.Seeds);
            result.AddTable("errors", brightness.Select((share, step) => new[] { share, errors.Average(row => row[step]) }));
            return result;
        }

        private static IEnumerable<double[]> Rows(bool[][] steps) =>
            Enumerable.Range(0, steps[0].Length).Select(image => steps.Select(step => step[image] ? 1.0 : 0.0).ToArray());
    }

    private string Train()
    {
        var recipe = new Recipe { Dataset = "folder", Data = files.Pictures, ImageSize = 16, Epochs = 1, BatchSize = 4, Threads = 1 };
        TrainingRun.Start(recipe, files.At("run"), [], _ => { }, cancellation: TestContext.Current.CancellationToken);
        return files.At("run");
    }

    private static SuiteResult Evaluate(string run, EvaluationOptions options) =>
        RunEvaluation.Run(run, options, _ => { }, _ => { }, cancellation: TestContext.Current.CancellationToken)[0].Result;

    [Fact]
    public void A_custom_suite_is_configured_by_name_measured_stored_and_reported()
    {
        var run = Train();
        var measured = new List<int>();
        var toy = new DarknessSuite { Measured = measured };
        EvaluationOptions Steps(string text) =>
            new() { Suites = [toy.Options.Single(option => option.Name == "darkness-steps").Set(toy, text)], Limit = 6 };

        var first = Evaluate(run, Steps("4"));
        Assert.Equal((6, 4), (first.Metrics["mean_error"].N, first.Tables["errors"].Length));
        var again = Evaluate(run, Steps("4"));
        Assert.Equal([4], measured);
        Assert.Equal(first.Metrics, again.Metrics);
        Assert.Equal(first.Tables["errors"], again.Tables["errors"]);
        Assert.Equal(first.PerImage["mean_error"], again.PerImage["mean_error"]);

        // Another option value or another limit gives other numbers, so the suite is measured again.
        Evaluate(run, Steps("5"));
        Evaluate(run, Steps("5") with { Limit = 3 });
        Evaluate(run, Steps("5") with { Limit = 3 });
        Assert.Equal([4, 5, 5], measured);
        var stored = JsonNode.Parse(File.ReadAllText(Path.Combine(run, "evaluation", "darkness.json")))!["options"]!;
        Assert.Equal((3, 5), ((int)stored["limit"]!, (int)stored["darkness_steps"]!));

        var options = new EvaluationOptions { Suites = [new CleanSuite(), toy] };
        var results = RunEvaluation.Run(run, options, _ => { }, _ => { }, cancellation: TestContext.Current.CancellationToken);
        var finished = ComparisonResult.Of(RunFolder.Open(run));
        new ComparisonReport(finished, "command", new ComparedEvaluations(finished, [results])).WritePage(run);
        var summary = JsonNode.Parse(File.ReadAllText(Path.Combine(run, "evaluation.json")))!.AsObject();
        Assert.Equal(["clean", "darkness"], summary.Select(suite => suite.Key));
        Assert.Contains(File.ReadLines(Path.Combine(run, "evaluation.csv")), line =>
            line.StartsWith("darkness,mean_error,", StringComparison.Ordinal));
        var report = File.ReadAllText(Path.Combine(run, "report.html"));
        Assert.All(["<h2>Dark images</h2>", "<title>Error in the dark</title>", "error on dark images, %", "brightness, %"],
            text => Assert.Contains(text, report, StringComparison.Ordinal));
    }

    [Fact]
    public void A_suite_that_cannot_run_is_skipped_or_rejected_and_duplicate_ids_are_rejected()
    {
        var grey = new NoiseImages(channels: 1);
        var toy = new DarknessSuite { Measured = [] };
        var options = new EvaluationOptions { Suites = [new CleanSuite(), toy] };
        Assert.Equal(["clean"], options.Of(grey).Select(suite => suite.Id));
        Assert.Equal(["clean", "darkness"], options.Of(new NoiseImages()).Select(suite => suite.Id));
        string Refusal(Func<object> act) => Assert.Throws<InputException>(act).Message;
        Assert.Equal("The suite darkness needs images in colour.", Refusal(() => (options with { SkipUnmeasurable = false }).Of(grey)));
        Assert.Equal("The suite darkness needs images in colour.", Refusal(() => new EvaluationOptions { Suites = [toy] }.Of(grey)));
        Assert.Contains("Received: darkness, darkness.", Refusal(() => new EvaluationOptions { Suites = [toy, toy with { Steps = 5 }] }),
            StringComparison.Ordinal);
        Assert.Contains("Received: none.", Refusal(() => new EvaluationOptions { Suites = [] }), StringComparison.Ordinal);
    }
}
