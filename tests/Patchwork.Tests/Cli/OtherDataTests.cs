using System.Text.Json.Nodes;
using Patchwork.Tests.Data;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>
/// A run that is opened with other data than it was trained on is rejected, measured again or reported with a warning; it never gives wrong
/// numbers.
/// </summary>
[Collection(ProcessesCollection.Name)]
public sealed class OtherDataTests : IDisposable
{
    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    private static string[] Quiet(params string[] arguments) => [.. arguments, "--quiet"];

    private CommandResult Evaluate(params string[] more) => CommandLine.Run(["evaluate", files.At("run"), "--suite", "clean", .. more]);

    private void Train(int epochs = 1, params string[] more)
    {
        files.Paint(perClass: 10);
        var trained = CommandLine.Run(["train", "--quiet", .. files.Flags("run", epochs), .. more]);
        Assert.True(trained.ExitCode == 0, trained.Error);
    }

    private void Rename(string from, string to) => Directory.Move(Path.Combine(files.Pictures, from), Path.Combine(files.Pictures, to));

    // Makes a finished run resumable where it stopped, with more epochs.
    private void Unfinish(int epochs)
    {
        File.Delete(files.At("run/result.json"));
        var recipe = JsonNode.Parse(File.ReadAllText(files.At("run/recipe.json")))!;
        recipe["epochs"] = epochs;
        File.WriteAllText(files.At("run/recipe.json"), recipe.ToJsonString());
    }

    [Theory, InlineData("resume"), InlineData("evaluate"), InlineData("compare")]
    public void Other_classes_are_rejected_with_both_lists_of_classes(string verb)
    {
        Train();
        Rename("green", "violet");
        if (verb == "resume")
            Unfinish(epochs: 2);
        if (verb == "compare")
        {
            Directory.CreateDirectory(files.At("compare"));
            Directory.Move(files.At("run"), files.At("compare/baseline-seed1"));
        }
        var refusal = (verb switch
        {
            "resume" => CommandLine.Run(Quiet("train", "--resume", "--out", files.At("run"))),
            "evaluate" => Evaluate("--quiet"),
            _ => CommandLine.Run(["compare", "--methods", "baseline", "--seeds", "1", "--quiet", .. files.Flags("compare", 1)]),
        }).Refusal();
        Assert.Contains("blue, green, red", refusal, StringComparison.Ordinal);
        Assert.Contains("blue, red, violet", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_class_never_reaches_a_trained_network()
    {
        Train();
        PictureFiles.WritePlain(Path.Combine(files.Pictures, "aqua", "0.png"), SKColors.Aqua);
        PictureFiles.WritePlain(Path.Combine(files.Pictures, "aqua", "1.png"), SKColors.Aqua);
        Assert.Contains("with aqua", Evaluate("--quiet").Refusal(), StringComparison.Ordinal);
        Assert.Contains("with aqua", CommandLine.Run("preview", "--dataset", "folder", "--data", files.Pictures, "--method", "snapmix",
            "--run", files.At("run"), "--out", files.At("sheet.png")).Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Resuming_with_other_images_warns_and_with_the_same_images_does_not()
    {
        Train();
        Unfinish(epochs: 2);
        Assert.DoesNotContain("the data has changed", CommandLine.Run("train", "--resume", "--out", files.At("run")).Error, StringComparison.Ordinal);
        Unfinish(epochs: 3);
        PictureFiles.WritePlain(Path.Combine(files.Pictures, "green", "more.png"), SKColors.Lime);
        var resumed = CommandLine.Run(Quiet("train", "--resume", "--out", files.At("run")));
        Assert.Equal(0, resumed.ExitCode);
        Assert.Contains("not bit-identical", resumed.Error, StringComparison.Ordinal);
        Assert.Contains("training images, not", resumed.Error, StringComparison.Ordinal);
    }

    // Only the pixels of the images change, neither their names nor their number.
    [Fact]
    public void A_stored_result_for_other_test_images_is_measured_again()
    {
        Train();
        var measured = Evaluate("--json");
        Assert.True(measured.ExitCode == 0, measured.Error);
        var stored = files.At("run/evaluation/clean.json");
        var then = JsonNode.Parse(File.ReadAllText(stored))!["data"]!["test"]!.ToString();
        foreach (var path in Directory.GetFiles(files.Pictures, "*.png", SearchOption.AllDirectories))
            PictureFiles.WritePlain(path, SKColors.White);
        var again = Evaluate("--json");
        Assert.Contains("data has changed since the run was made", again.Error, StringComparison.Ordinal);
        Assert.NotEqual(then, JsonNode.Parse(File.ReadAllText(stored))!["data"]!["test"]!.ToString());
        // All images are identical now, so one class is predicted for all of them, which is wrong for two of three classes.
        Assert.Equal(2 / 3.0, again.Json().GetProperty("clean").GetProperty("top1_error").GetProperty("value").GetDouble(), 1e-12);
    }

    [Fact]
    public void A_stored_result_for_other_out_of_distribution_images_is_measured_again()
    {
        Train();
        var unknown = files.At("unknown, and more");      // a path with a comma
        PictureFiles.WritePlain(Path.Combine(unknown, "a.png"), SKColors.Black);
        string Auroc() => CommandLine.Run("evaluate", files.At("run"), "--suite", "ood", "--out-sets", $"folder={unknown},shapes", "--json")
            .Json().GetProperty("ood").GetProperty("unknown, and more_msp_auroc").GetProperty("n").GetRawText();
        Assert.Equal("7", Auroc());      // a fifth of thirty images for testing, plus one
        PictureFiles.WritePlain(Path.Combine(unknown, "deeper", "b.png"), SKColors.White);
        Assert.Equal("8", Auroc());
    }

    [Fact]
    public void Runs_on_other_images_get_no_new_seeds_and_are_reported_with_a_warning()
    {
        files.Paint(perClass: 10);
        string[] Compare(int seeds) =>
            ["compare", "--methods", "baseline", "--seeds", $"{seeds}", "--quiet", .. files.Flags("compare", 1)];
        Assert.Equal(0, CommandLine.Run(Compare(1)).ExitCode);
        File.Delete(Path.Combine(files.Pictures, "red", "000.png"));
        Assert.Contains("would not be comparable", CommandLine.Run(Compare(2)).Refusal(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(files.At("compare/baseline-seed2")));
        var reported = CommandLine.Run(Compare(1));
        Assert.Equal(0, reported.ExitCode);
        Assert.Contains("warning: trained on data that has changed", reported.Error, StringComparison.Ordinal);
        Assert.Contains("data has changed since the runs", File.ReadAllText(files.At("compare/report.html")), StringComparison.Ordinal);
    }

    // These cases were found by attempts to break a run.
    [Fact]
    public void Damaged_files_of_a_run_are_named_or_not_needed()
    {
        Train();
        File.WriteAllText(files.At("run/metrics.jsonl"), "{\"epoch\": 1, \"train/lo");      // as after a crash
        File.Delete(files.At("run/report.html"));
        Assert.Equal(0, CommandLine.Run("train", "--resume", "--out", files.At("run"), "--quiet").ExitCode);
        Assert.True(File.Exists(files.At("run/report.html")));
        foreach (var text in (string[])["", "{", "null", "{\"last\": {\"loss\": 1}}"])
        {
            File.WriteAllText(files.At("run/result.json"), text);
            Assert.Contains("result.json must hold the numbers", Evaluate("--quiet").Refusal(), StringComparison.Ordinal);
        }
        File.Delete(files.At("run/result.json"));      // as the message says
        Assert.Equal(0, CommandLine.Run("train", "--resume", "--out", files.At("run"), "--quiet").ExitCode);
        File.WriteAllText(files.At("run/data.json"), "{}");
        Assert.Contains("data.json must describe", Evaluate("--quiet").Refusal(), StringComparison.Ordinal);
        File.Delete(files.At("run/data.json"));      // as in a run from before this file existed
        Assert.Equal(0, Evaluate("--quiet").ExitCode);
    }

    [Fact]
    public void An_impossible_evaluation_is_rejected_before_anything_is_trained()
    {
        files.Paint(perClass: 10);
        Assert.Contains("for each of the 3 classes", CommandLine.Run(["compare", "--methods", "baseline", "--seeds", "1", "--evaluate",
            "clean", "--limit", "2", .. files.Flags("compare", 1)]).Refusal(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(files.At("compare")));
    }

    [Fact]
    public void A_run_records_its_data_and_the_images_that_it_held_out()
    {
        Train();
        var data = JsonNode.Parse(File.ReadAllText(files.At("run/data.json")))!;
        Assert.Equal(["blue", "green", "red"], data["classes"]!.AsArray().Select(name => (string)name!));
        Assert.Equal([21, 3, 6], ((string[])["train", "validation", "test"]).Select(part => (int)data[part]!["images"]!));
        var held = File.ReadAllLines(files.At("run/validation.csv"));
        Assert.Equal("index,class,file", held[0]);
        Assert.Equal(3, held.Length - 1);
        Assert.All(held[1..], line => Assert.True(File.Exists(line.Split(',')[2])));
        Assert.Equal(["blue", "green", "red"], held[1..].Select(line => line.Split(',')[1]));
    }
}
