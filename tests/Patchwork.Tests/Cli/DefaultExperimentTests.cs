using System.Text.Json.Nodes;
using Patchwork.Recipes;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>The experiment that <c>compare</c> runs by default.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class DefaultExperimentTests : IDisposable
{
    private static readonly string[] Small = ["--methods", "baseline", "--seeds", "1", "--epochs", "1", "--subset", "60", "--quiet"];

    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    private Recipe Stored(string folder, params string[] more)
    {
        var result = CommandLine.Run(["compare", .. Small, .. more, "--out", files.At(folder)]);
        Assert.True(result.ExitCode == 0, result.Error);
        return Recipe.FromJson(File.ReadAllText(files.At($"{folder}/baseline-seed1/recipe.json")));
    }

    [Fact]
    public void Without_a_recipe_or_a_data_set_it_is_the_default_recipe_of_the_repository()
    {
        var written = Recipe.FromJson(File.ReadAllText(Repository.File("recipes/default.json")));
        var stored = Stored("default", "--evaluate", "none");
        Assert.Equal(["epochs", "subset"], (written with { Threads = stored.Threads, Precision = stored.Precision, ScaledDecoding = true })
            .Differences(stored).Select(text => text.Split(' ')[0]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void With_a_data_set_or_a_recipe_the_defaults_are_those_of_train()
    {
        var own = new Recipe();
        var named = Stored("shapes", "--dataset", "shapes");
        Assert.Equal((own.Optimizer, own.Lr, own.Flip, own.BatchSize), (named.Optimizer, named.Lr, named.Flip, named.BatchSize));
        File.WriteAllText(files.At("recipe.json"), """{"batchSize":16,"dataset":"clothing","precision":"float32"}""");
        var read = Stored("read", files.At("recipe.json"));
        Assert.Equal((own.Optimizer, own.Lr, own.Flip, 16), (read.Optimizer, read.Lr, read.Flip, read.BatchSize));
        Assert.False(File.Exists(files.At("read/evaluation.csv")));
    }

    // A second dose would repeat the first, or contradict the flag, if a flag says how often batches are mixed.
    [Theory]
    [InlineData("cutmix-probability=0.5-seed1,")]
    [InlineData("", "--set", "cutmix.probability=0.3")]
    [InlineData("", "--strengths", "probability 0:0 1:1")]
    public void CutMix_on_half_of_the_batches_is_the_fifth_method(string fifth, params string[] flags)
    {
        var result = CommandLine.Run(["compare", .. Small[2..], .. flags, "--evaluate", "none", "--out", files.At("all")]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal($"baseline-seed1,{fifth}cutmix-seed1,cutout-seed1,mixup-seed1", string.Join(',',
            Directory.GetDirectories(files.At("all")).Select(Path.GetFileName).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void The_tuned_learning_rate_is_not_used_with_another_optimizer() =>
        Assert.Null(Stored("adam", "--evaluate", "none", "--optimizer", "adam").Lr);

    [Fact]
    public void The_default_experiment_measures_two_suites_on_300_images_and_ends_with_the_answer()
    {
        Lane.NeedFull("occlusion of 300 images at all sizes");
        var result = CommandLine.Run(["compare", .. Small, "--out", files.At("measured")]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.StartsWith("Baseline: test error ", result.Output.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
        var measured = JsonNode.Parse(File.ReadAllText(files.At("measured/baseline-seed1/evaluation.json")))!.AsObject();
        Assert.Equal(["calibration", "occlusion"], measured.Select(suite => suite.Key).Order(StringComparer.Ordinal));
        Assert.All(measured, suite => Assert.All(suite.Value!.AsObject(), metric => Assert.Equal(300, (int)metric.Value!["limit"]!)));
    }
}
