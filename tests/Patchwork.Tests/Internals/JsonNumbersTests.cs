using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Comparisons;
using Patchwork.Evaluation;
using Patchwork.Internals;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Internals;

/// <summary>
/// Tests that numbers that are not finite are <c>null</c> in every JSON file that the program writes, and are read back as NaN.
/// </summary>
[Collection(ProcessesCollection.Name)]
public sealed class JsonNumbersTests : IDisposable
{
    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    public static TheoryData<double> Absent => [double.NaN, double.PositiveInfinity, double.NegativeInfinity];

    [Theory, MemberData(nameof(Absent))]
    public void A_run_result_keeps_its_finite_numbers_and_reads_the_others_as_NaN(double absent)
    {
        var result = new RunResult(new TestScore(1, absent, 0.5, 0.25), new TestScore(1, 2, absent, 0.25), false, 1, absent, 3, 4);
        Assert.Contains("null", result.ToJson(), StringComparison.Ordinal);
        var read = RunResult.FromJson(result.ToJson());
        Assert.Equal((double.NaN, 0.5, double.NaN, double.NaN), (read.Last.Loss, read.Last.Top1Error, read.Best.Top1Error,
            read.TrainAccuracy));
    }

    // Two runs are trained, and every number that a suite would measure is absent. Files, screen output and reports must still be written.
    [Theory, MemberData(nameof(Absent))]
    public void Absent_measurements_are_null_in_files_and_a_dash_on_screen(double absent)
    {
        files.Paint(perClass: 10);
        foreach (var method in (string[])["baseline", "cutmix"])
            Assert.Equal(0, CommandLine.Run(["train", "--quiet", "--method", method, .. files.Flags(method, 1)]).ExitCode);
        ComparedRun[] runs = [.. new[] { "baseline", "cutmix" }.Select(method =>
            new ComparedRun(method, 1, files.At(method), RunFolder.Open(files.At(method)).ReadResult()))];
        var comparison = new ComparisonResult(RunFolder.Open(files.At("baseline")).Recipe,
            [.. runs.Select(run => RunFolder.Open(run.Folder).Recipe.Resolve())], runs);
        var suite = new CleanSuite();
        var measured = runs.Select(run =>
        {
            var result = new SuiteResult();
            foreach (var headline in suite.Headlines)
                result.Add(headline.Metric, absent, new Interval(absent, absent), 0);
            result.AddTable("class_error", [[0, absent]]);
            result.AddNote("There was nothing to measure.");
            var one = new MeasuredSuite(suite, result);
            var evaluation = new EvaluationFiles(RunFolder.Open(run.Folder));
            evaluation.Write(one);
            var read = evaluation.Read(suite, new EvaluationOptions())!;
            Assert.Equal(double.NaN, read.Metrics["top1_error"].Value);
            Assert.Equal(double.NaN, read.Tables["class_error"][0][1]);
            Assert.Equal(result.Notes, read.Notes);
            return (IReadOnlyList<MeasuredSuite>)[one];
        }).ToArray();
        new ComparisonReport(comparison, "compare", new ComparedEvaluations(comparison, measured)).Write(files.Folder);
        foreach (var path in Directory.GetFiles(files.Folder, "*.json", SearchOption.AllDirectories))
            Assert.NotNull(JsonNode.Parse(File.ReadAllText(path)));
        Assert.Contains("| -", new ComparedEvaluations(comparison, measured).Table().ToMarkdown(), StringComparison.Ordinal);
        var page = File.ReadAllText(files.At("report.html"));
        Assert.DoesNotMatch(@">\s*-?(NaN|∞|Infinity)", page);
        Assert.Contains("There was nothing to measure.", page, StringComparison.Ordinal);
        var shown = CommandLine.Run("evaluate", files.At("cutmix"), "--suite", "clean");
        Assert.True(shown.ExitCode == 0, shown.Error);
        Assert.Matches(@"test error, % +-\n", shown.Output);
    }

    [Theory, MemberData(nameof(Absent))]
    public void A_number_that_is_not_finite_is_written_as_null(double absent)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteFinite("a", absent);
            json.WriteFinite("b", 1.5);
            json.WriteEndObject();
        }
        Assert.Equal("""{"a":null,"b":1.5}""", System.Text.Encoding.UTF8.GetString(stream.ToArray()));
        Assert.Equal(double.NaN, JsonNumbers.Read(null));
    }
}
