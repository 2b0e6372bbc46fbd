using System.Text.Json.Nodes;
using Patchwork.Evaluation;
using Patchwork.Recipes;
using Patchwork.Tests.Data;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>Ids and choices in any case, numbers as numbers, pictures without labels, and the contents of written files.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class WordsTests : IDisposable
{
    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    private string Train(string run = "run", params string[] more)
    {
        files.Paint(perClass: 10);
        var trained = CommandLine.Run(["train", "--quiet", .. files.Flags(run, 1), .. more]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        return files.At(run);
    }

    [Theory, InlineData("0.2", "0.2"), InlineData("\"0.2\"", "0.2"), InlineData("\"test\"", "test"), InlineData("\"TEST\"", "test"),
        InlineData("null", null)]
    public void A_share_may_be_a_number(string written, string? expected) =>
        Assert.Equal(expected, Recipe.FromJson($$"""{"validation": {{written}}}""").Validation);

    [Fact]
    public void A_number_is_written_as_a_number()
    {
        Assert.Equal(0.2, (double)JsonNode.Parse(new Recipe { Validation = "0.2" }.ToJson())!["validation"]!);
        Assert.Equal("test", (string?)JsonNode.Parse(new Recipe { Validation = "test" }.ToJson())!["validation"]);
    }

    [Fact]
    public void Ids_and_choices_may_be_written_in_any_case()
    {
        var recipe = Recipe.FromJson("""
            {"dataset": "Shapes", "model": "ResNet8", "method": "CutMix+Cutout", "device": "CPU", "optimizer": "SGD", "preset": "TimM",
             "options": {"Cutout.LENGTH": 8}, "strengths": ["PROBABILITY 0:0 1:1"]}
            """);
        Assert.Equal(("shapes", "resnet8", "cutmix+cutout", "cpu"), (recipe.Dataset, recipe.Model, recipe.Method, recipe.Device));
        Assert.Equal("CutMix + Cutout", recipe.Resolve().Name);
        Assert.Equal(CommandLine.Run("methods", "cutmix"), CommandLine.Run("methods", "CutMix"));
        Assert.Equal(CommandLine.Run("plan", "--method", "cutmix", "--scope", "pair"), CommandLine.Run("plan", "--method", "CutMix", "--scope",
            "PAIR"));
        Assert.Equal(["clean", "ood"], Suites.Parse("OOD,Clean").Select(suite => suite.Id));
    }

    [Fact]
    public void Ids_in_capitals_are_stored_and_read_as_lowercase_ids()
    {
        Train("run", "--method", "CutMix");
        var run = files.At("run");
        Assert.Equal("cutmix", (string?)JsonNode.Parse(File.ReadAllText(Path.Combine(run, "recipe.json")))!["method"]);
        Assert.Equal(0, CommandLine.Run("evaluate", run, "--suite", "CLEAN", "--precision", "Float32", "--quiet").ExitCode);
    }

    [Theory]
    [InlineData("cifar10", "cifar10")]
    [InlineData("CIFAR10, shapes ", "CIFAR10|shapes")]
    [InlineData("folder=/data/a, b/c,shapes:crop", "folder=/data/a, b/c|shapes:crop")]
    [InlineData("folder=a,folder=b,c", "folder=a|folder=b,c")]
    [InlineData("folder=a,Textures", "folder=a|Textures")]
    [InlineData("nonsense,shapes", "nonsense|shapes")]
    public void A_comma_in_a_path_is_not_a_separator(string text, string expected) =>
        Assert.Equal(expected.Split('|'), ((OutOfDistributionSuite)new OutOfDistributionSuite().Options[0]
            .Set(new OutOfDistributionSuite(), text)).OutSets);

    [Fact]
    public void Folders_of_pictures_without_labels_are_predicted_and_explained()
    {
        var run = Train();
        var unsorted = files.At("unsorted");
        PictureFiles.WritePlain(Path.Combine(unsorted, "b.png"), SKColors.Red);
        PictureFiles.WritePlain(Path.Combine(unsorted, "deeper", "a.jpg"), SKColors.Blue);
        File.WriteAllText(Path.Combine(unsorted, "notes.txt"), "no picture");
        var predicted = CommandLine.Run("predict", run, unsorted, "--json");
        Assert.True(predicted.ExitCode == 0, predicted.Error);
        Assert.Equal(2, predicted.Json().GetArrayLength());
        var explained = CommandLine.Run("explain", run, unsorted, "--out", files.At("seen"));
        Assert.True(explained.ExitCode == 0, explained.Error);
        Assert.Equal(["a.explained.png", "b.explained.png"], Directory.GetFiles(files.At("seen")).Select(Path.GetFileName).Order());
        Directory.CreateDirectory(files.At("empty"));
        Assert.Contains("Received: none", CommandLine.Run("predict", run, files.At("empty")).Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Logits_are_written_for_each_test_image()
    {
        var run = Train();
        Assert.Equal(0, CommandLine.Run("evaluate", run, "--suite", "clean", "--logits", files.At("logits.csv"), "--quiet").ExitCode);
        var lines = File.ReadAllLines(files.At("logits.csv"));
        Assert.Equal("index,file,class,blue,green,red", lines[0]);
        Assert.Equal(6, lines.Length - 1);
        // The error of the run, counted from the logits.
        var wrong = lines[1..].Count(line => line.Split(',') is var cells && cells[2] != new[] { "blue", "green", "red" }[
            Array.IndexOf(cells[3..], cells[3..].MaxBy(cell => float.Parse(cell, System.Globalization.CultureInfo.InvariantCulture)))]);
        var error = (double)JsonNode.Parse(File.ReadAllText(Path.Combine(run, "result.json")))!["last"]!["top1Error"]!;
        Assert.Equal(error, wrong / 6.0, 1e-12);
        Assert.Equal(0, CommandLine.Run("evaluate", run, "--suite", "clean", "--logits", files.At("logits.npy"), "--quiet").ExitCode);
        var bytes = File.ReadAllBytes(files.At("logits.npy"));
        Assert.Contains("'shape': (6, 3)", System.Text.Encoding.Latin1.GetString(bytes), StringComparison.Ordinal);
        Assert.Equal(0, (bytes.Length - 6 * 3 * 4) % 64);
        Assert.Equal(float.Parse(lines[1].Split(',')[3], System.Globalization.CultureInfo.InvariantCulture),
            BitConverter.ToSingle(bytes, bytes.Length - 6 * 3 * 4));
        Assert.Contains(".npy or .csv", CommandLine.Run("evaluate", run, "--suite", "clean", "--logits", files.At("x.txt")).Refusal(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_mixed_set_names_its_source_files_and_can_use_the_test_part()
    {
        files.Paint(perClass: 10);
        var mixed = CommandLine.Run("mix", files.Pictures, "--image-size", "16", "--part", "test", "--probability", "0", "--count", "6",
            "--out", files.At("mixed"));
        Assert.True(mixed.ExitCode == 0, mixed.Error);
        var lines = File.ReadAllLines(files.At("mixed/targets.csv"));
        Assert.EndsWith(",source_file,partner_file", lines[0], StringComparison.Ordinal);
        Assert.All(lines[1..], line => Assert.True(File.Exists(line.Split(',')[10]), line));
        Assert.Equal(6, lines[1..].Select(line => line.Split(',')[10]).Distinct().Count());
        Assert.All(lines[1..], line => Assert.Equal("1", line.Split(',')[3]));      // λ: nothing is mixed
    }

    [Fact]
    public void A_comparison_reports_the_finished_methods_of_earlier_calls_too()
    {
        files.Paint(perClass: 10);
        string[] Compare(string methods, int epochs = 1) =>
            ["compare", "--methods", methods, "--seeds", "1", "--json", .. files.Flags("compare", epochs)];
        Assert.Equal(0, CommandLine.Run(Compare("baseline,cutout")).ExitCode);
        var later = CommandLine.Run(Compare("cutmix"));
        Assert.True(later.ExitCode == 0, later.Error);
        Assert.Equal(["baseline", "cutmix", "cutout"], later.Json().GetProperty("methods").EnumerateArray()
            .Select(method => method.GetProperty("method").GetString()));
        Assert.Contains("Cutout", File.ReadAllText(files.At("compare/report.html")), StringComparison.Ordinal);
        // Runs of another recipe are mentioned, but not reported with the others.
        Directory.Delete(files.At("compare/cutmix-seed1"), recursive: true);
        var longer = CommandLine.Run(Compare("cutmix", epochs: 2));
        Assert.True(longer.ExitCode == 0, longer.Error);
        Assert.Equal(["cutmix"], longer.Json().GetProperty("methods").EnumerateArray()
            .Select(method => method.GetProperty("method").GetString()));
        Assert.Contains("are not reported with the others: epochs is 1, not 2", longer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_preview_reports_the_images_that_it_left_out()
    {
        files.Paint(perClass: 4);
        File.WriteAllBytes(Path.Combine(files.Pictures, "red", "broken.png"), [1, 2, 3]);
        var preview = CommandLine.Run("preview", "--dataset", "folder", "--data", files.Pictures, "--skip-damaged", "--count", "1", "--out",
            files.At("sheet.png"));
        Assert.Equal(0, preview.ExitCode);
        Assert.Contains("warning: left out 1 damaged image: ", preview.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_features_are_not_frozen()
    {
        var run = Train();
        string[] frozen = ["train", "--freeze", .. files.Flags("frozen", 1)];
        Assert.Contains("--freeze must be false without weights", CommandLine.Run(frozen).Refusal(), StringComparison.Ordinal);
        Assert.Contains("must contain all frozen features", CommandLine.Run([.. frozen, "--model", "resnet20", "--weights",
            Path.Combine(run, "checkpoints", "last.safetensors")]).Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(files.At("frozen")));
    }
}
