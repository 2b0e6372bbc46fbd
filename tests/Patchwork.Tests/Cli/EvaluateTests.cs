using System.Text.Json;
using Patchwork.Formats;
using Patchwork.Tests.Data;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

[Collection(ProcessesCollection.Name)]
public sealed class EvaluateTests : IDisposable
{
    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    private string Train()
    {
        files.Paint();
        Assert.Equal(0, CommandLine.Run(["train", "--method", "cutmix", "--quiet", .. files.Flags("run")]).ExitCode);
        return files.At("run");
    }

    [Fact]
    public void A_run_is_measured_once_and_its_results_are_stored_in_files()
    {
        var run = Train();
        var first = CommandLine.Run("evaluate", run, "--suite", "clean,ood", "--out-sets", "shapes", "--limit", "6", "--json");
        Assert.True(first.ExitCode == 0, first.Error);
        var error = first.Json().GetProperty("clean").GetProperty("top1_error");
        Assert.Equal((6, 6), (error.GetProperty("n").GetInt32(), error.GetProperty("limit").GetInt32()));
        Assert.InRange(error.GetProperty("value").GetDouble(), error.GetProperty("ci95")[0].GetDouble(), error.GetProperty("ci95")[1]
            .GetDouble());
        Assert.True(first.Json().GetProperty("ood").TryGetProperty("shapes_energy_auroc", out _));
        using (var stored = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "evaluation.json"))))
            Assert.Equal(["clean", "ood"], stored.RootElement.EnumerateObject().Select(suite => suite.Name));

        var written = File.GetLastWriteTimeUtc(Path.Combine(run, "evaluation", "clean.json"));
        var again = CommandLine.Run("evaluate", run, "--suite", "clean", "--limit", "6", "--json");
        Assert.Equal(first.Json().GetProperty("clean").GetRawText(), again.Json().GetProperty("clean").GetRawText());
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(run, "evaluation", "clean.json")));

        // A damaged result, or one with other options, is measured again.
        File.WriteAllText(Path.Combine(run, "evaluation", "clean.json"), "{");
        Assert.Equal(first.Json().GetProperty("clean").GetRawText(),
            CommandLine.Run("evaluate", run, "--suite", "clean", "--limit", "6", "--json").Json().GetProperty("clean").GetRawText());
        Assert.False(CommandLine.Run("evaluate", run, "--suite", "clean", "--json").Json().GetProperty("clean").GetProperty("top1_error")
            .TryGetProperty("limit", out _));
    }

    [Fact]
    public void Compare_measures_every_run_and_compares_each_method_with_the_baseline()
    {
        files.Paint();
        var folder = files.At("compare");
        string[] Compare(params string[] more) =>
            ["compare", "--methods", "baseline,cutmix", "--seeds", "2", "--quiet", .. files.Flags("compare"), .. more];
        var result = CommandLine.Run(Compare("--evaluate", "clean,occlusion", "--json"));
        Assert.True(result.ExitCode == 0, result.Error);
        var error = result.Json().GetProperty("evaluation").GetProperty("clean").GetProperty("top1_error");
        var (baseline, cutmix) = (error.GetProperty("baseline").GetProperty("mean").GetDouble(), error.GetProperty("cutmix")
            .GetProperty("mean").GetDouble());
        Assert.Equal(result.Json().GetProperty("methods")[0].GetProperty("top1_error_last").GetProperty("mean").GetDouble(), baseline,
            1e-9);
        Assert.Equal(cutmix - baseline, error.GetProperty("cutmix").GetProperty("vs_baseline").GetProperty("difference").GetDouble(), 1e-9);
        Assert.False(error.GetProperty("baseline").TryGetProperty("vs_baseline", out _));

        // The table of all metrics has one row per run and metric, and the report has the curves.
        var rows = File.ReadAllLines(Path.Combine(folder, "evaluation.csv"));
        Assert.Equal("suite,metric,method,seed,value,ci95_low,ci95_high,n,limit,precision", rows[0]);
        Assert.Equal(4, rows.Count(row => row.StartsWith("clean,top1_error,", StringComparison.Ordinal)));
        Assert.Contains("Centre covered, black", File.ReadAllText(Path.Combine(folder, "report.html")), StringComparison.Ordinal);
        Assert.Contains("| error, centre black, %", CommandLine.Run(Compare("--evaluate", "occlusion", "--markdown")).Output,
            StringComparison.Ordinal);
        Assert.Contains("Did you mean 'clean'?", CommandLine.Run(Compare("--evaluate", "claen")).Refusal(), StringComparison.Ordinal);

        // One run with another limit cannot be compared with the others.
        Assert.Equal(0, CommandLine.Run("evaluate", Path.Combine(folder, "cutmix-seed1"), "--suite", "clean", "--limit", "6").ExitCode);
        Assert.Equal(0, CommandLine.Run(Compare("--evaluate", "inbetween")).ExitCode);
        Assert.Equal(["inbetween", "occlusion"], SuitesIn(folder));
        Assert.Equal(0, CommandLine.Run(Compare("--evaluate", "clean")).ExitCode);
        Assert.Equal(0, CommandLine.Run(Compare()).ExitCode);
        Assert.Equal(["clean", "inbetween", "occlusion"], SuitesIn(folder));
        var report = File.ReadAllText(Path.Combine(folder, "report.html"));
        Assert.All(["Centre covered, black", "Interpolated images, blended"], text =>
            Assert.Contains(text, report, StringComparison.Ordinal));
        Assert.DoesNotContain(">images</th>", report, StringComparison.Ordinal);

        Assert.Equal(0, CommandLine.Run(Compare("--evaluate", "occlusion", "--limit", "6")).ExitCode);
        report = File.ReadAllText(Path.Combine(folder, "report.html"));
        Assert.Contains(">images</th>", report, StringComparison.Ordinal);
        Assert.Matches("<td>error, centre black, %</td><td class=\"number\">6</td>", report);
        Assert.Matches("<td>test error, %</td><td class=\"number\">(?!6<)", report);
    }

    // Read from evaluation.csv, whose rows start with the suite.
    private static IEnumerable<string> SuitesIn(string folder) => File.ReadLines(Path.Combine(folder, "evaluation.csv")).Skip(1)
        .Select(row => row.Split(',')[0]).Distinct().Order(StringComparer.Ordinal);

    [Fact]
    public void A_report_shows_the_results_of_every_call_with_their_numbers_of_images()
    {
        var run = Train();
        string Report() => File.ReadAllText(Path.Combine(run, "report.html"));
        void Evaluate(params string[] more)
        {
            var answer = CommandLine.Run(["evaluate", run, "--suite", .. more]);
            Assert.True(answer.ExitCode == 0, answer.Error);
            using var summary = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "evaluation.json")));
            Assert.Equal(SuitesIn(run), summary.RootElement.EnumerateObject().Select(suite => suite.Name).Order(StringComparer.Ordinal));
        }
        Evaluate("calibration", "--limit", "6");
        Evaluate("occlusion", "--limit", "3");
        Evaluate("clean");
        Assert.Equal(["calibration", "clean", "occlusion"], SuitesIn(run));
        using var result = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "result.json")));
        var images = result.RootElement.GetProperty("testImages").GetInt32();
        var table = Report()[Report().IndexOf("Beyond the test error", StringComparison.Ordinal)..];
        Assert.DoesNotContain("last epoch, all", Report(), StringComparison.Ordinal);
        foreach (var (title, n) in ((string, int)[])[("Brier score", 6), ("error, centre black, %", 3), ("test error, %", images)])
            Assert.Matches($"<td>{title}</td>.*<td class=\"number\">{n}</td></tr>", table);
        Assert.Contains($"calibration (6 of {images} test images); occlusion (3 of {images} test images)", table, StringComparison.Ordinal);

        Evaluate("clean", "--limit", "6");
        Assert.Contains($"test error, % (6 of {images} images)", Report(), StringComparison.Ordinal);
        Assert.Contains($"test error %, last epoch, all {images} images", Report(), StringComparison.Ordinal);
        Evaluate("ood", "--out-sets", "shapes", "--limit", "6");
        Evaluate("calibration");
        Assert.Contains($"ood (6 of {images} test images, out_sets shapes)", Report(), StringComparison.Ordinal);
        Assert.DoesNotContain("calibration (", Report(), StringComparison.Ordinal);
    }

    [Fact]
    public void Results_for_other_weights_are_not_shown_and_are_measured_again()
    {
        var run = Train();
        var stored = Path.Combine(run, "evaluation", "calibration.json");
        Assert.Equal(0, CommandLine.Run("evaluate", run, "--suite", "calibration,occlusion").ExitCode);
        var before = File.ReadAllText(stored);
        var checkpoints = Path.Combine(run, "checkpoints");
        var last = Path.Combine(checkpoints, "last.safetensors");
        var weights = Safetensors.Load(last);
        weights["fc.weight"].mul_(-1);
        Safetensors.Save(last, weights);
        Assert.Equal(0, CommandLine.Run("evaluate", run, "--suite", "calibration").ExitCode);
        Assert.NotEqual(before, File.ReadAllText(stored));
        Assert.Equal(["calibration"], SuitesIn(run));
        Assert.DoesNotContain("Centre covered, black", File.ReadAllText(Path.Combine(run, "report.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void An_impossible_evaluation_is_rejected_in_one_sentence()
    {
        var run = Train();
        Assert.Contains("Did you mean 'clean'?", CommandLine.Run("evaluate", run, "--suite", "claen").Refusal(), StringComparison.Ordinal);
        Assert.Contains("--limit must be at least 1", CommandLine.Run("evaluate", run, "--limit", "0").Refusal(), StringComparison.Ordinal);
        Assert.Contains("image for each of the", CommandLine.Run("evaluate", run, "--limit", "1").Refusal(), StringComparison.Ordinal);
        Assert.Contains("Unknown out-of-distribution set 'cifar'",
            CommandLine.Run("evaluate", run, "--suite", "ood", "--out-sets", "cifar").Refusal(), StringComparison.Ordinal);
        Assert.Contains("labels.npy, which does not exist",
            CommandLine.Run("evaluate", run, "--suite", "corruption", "--corruptions", files.At("nowhere")).Refusal(),
            StringComparison.Ordinal);
        Assert.Contains("recipe.json", CommandLine.Run("evaluate", files.At("nowhere")).Refusal(), StringComparison.Ordinal);
        File.Delete(Path.Combine(run, "result.json"));
        Assert.Contains("--resume", CommandLine.Run("evaluate", run).Refusal(), StringComparison.Ordinal);
    }
}
