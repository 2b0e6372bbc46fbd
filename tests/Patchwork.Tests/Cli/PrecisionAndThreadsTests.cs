using System.Text.Json.Nodes;
using Patchwork.Cli;
using Patchwork.Cli.Commands;
using Patchwork.Inference;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>The user chooses the precision and the number of threads of a trained network.</summary>
[Collection(SerialCollection.Name)]
public sealed class PrecisionAndThreadsTests : IDisposable
{
    private readonly PictureSet files = new PictureSet().Paint(perClass: 8);

    public PrecisionAndThreadsTests()
    {
        Assert.SkipUnless(Autocast.IsSupported, "the loaded libtorch has no autocast functions");
        var recipe = new Recipe { Dataset = "folder", Data = files.Pictures, ImageSize = 8, Epochs = 1, BatchSize = 4, Threads = 1 };
        TrainingRun.Start(recipe, files.At("run"), [], _ => { }, cancellation: TestContext.Current.CancellationToken);
    }

    public void Dispose() => files.Dispose();

    private string Picture => Path.Combine(files.Pictures, "red", "003.png");

    private static JsonNode Json(params string[] command)
    {
        var result = CommandLine.Run([.. command, "--json"]);
        Assert.True(result.ExitCode == 0, result.Error);
        return JsonNode.Parse(result.Output)!;
    }

    [Fact]
    public void Every_verb_has_the_threads_option()
    {
        IEnumerable<System.CommandLine.Command> Verbs(System.CommandLine.Command command) =>
            command.Subcommands.Count == 0 ? [command] : command.Subcommands.SelectMany(Verbs);
        Assert.All(Verbs(PatchworkCommand.Create(new CommandRanks())), verb => Assert.Contains("--threads", verb.Options.Select(option => option.Name)));
    }

    [Fact]
    public void Predictions_and_explanations_use_float32_by_default_and_state_their_precision()
    {
        var exact = Json("predict", files.At("run"), Picture)[0]!;
        var near = Json("predict", files.At("run"), Picture, "--precision", "bfloat16")[0]!;
        Assert.Equal(("Float32", "BFloat16"), ((string)exact["precision"]!, (string)near["precision"]!));
        var (p, q) = ((double)exact["classes"]![0]!["probability"]!, (double)near["classes"]![0]!["probability"]!);
        Assert.NotEqual(p, q);
        Assert.Equal(p, q, 0.02);
        var seen = Json("explain", files.At("run"), Picture, "--precision", "bfloat16", "--out", files.At("seen.png"));
        Assert.Equal("BFloat16", (string)seen["precision"]!);
    }

    [Fact]
    public void An_evaluation_in_bfloat16_is_measured_again_and_marked()
    {
        var exact = Json("evaluate", files.At("run"), "--suite", "clean")["clean"]!.AsObject().First().Value!;
        var near = Json("evaluate", files.At("run"), "--suite", "clean", "--precision", "bfloat16")["clean"]!.AsObject().First().Value!;
        Assert.Null(exact["precision"]);
        Assert.Equal("BFloat16", (string)near["precision"]!);
        Assert.Contains("\"precision\"", File.ReadAllText(Path.Combine(files.At("run"), "evaluation.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_of_an_evaluation_in_bfloat16_says_so()
    {
        foreach (var (precision, said) in ((string, bool)[])[("float32", false), ("bfloat16", true)])
        {
            Assert.Equal(0, CommandLine.Run("evaluate", files.At("run"), "--suite", "clean", "--precision", precision).ExitCode);
            var report = File.ReadAllText(Path.Combine(files.At("run"), "report.html"));
            Assert.Equal(said, report.Contains("clean (bfloat16)", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_comparison_without_the_newer_recipe_keys_resumes_as_it_started()
    {
        string[] Compare(string methods) => ["compare", "--dataset", "folder", "--data", files.Pictures, "--image-size", "8", "--epochs", "1",
            "--seeds", "1", "--methods", methods, "--out", files.At("compared"), "--quiet"];
        Assert.Equal(0, CommandLine.Run(Compare("baseline")).ExitCode);
        var path = Path.Combine(files.At("compared"), "baseline-seed1", "recipe.json");
        var stored = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        Assert.True(stored.Remove("precision") && stored.Remove("scaledDecoding"));
        File.WriteAllText(path, stored.ToJsonString());
        var result = CommandLine.Run(Compare("baseline,cutmix"));
        Assert.True(result.ExitCode == 0, result.Error);
        var added = RunFolder.Open(Path.Combine(files.At("compared"), "cutmix-seed1")).Recipe;
        Assert.Equal((Precision.Float32, false), (added.Precision, added.ScaledDecoding));
    }

    [Fact]
    public void A_run_restores_the_number_of_torch_threads()
    {
        var recipe = new Recipe { Dataset = "folder", Data = files.Pictures, ImageSize = 8, Epochs = 1, Threads = 2 };
        TrainingRun.Start(recipe, files.At("two"), [], _ => { }, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(2, RunFolder.Open(files.At("two")).Recipe.Threads);
        Assert.Equal(1, torch.get_num_threads());
    }

    [Theory, InlineData("evaluate"), InlineData("predict")]
    public void Evaluation_and_prediction_reject_automatic_precision(string verb)
    {
        var result = CommandLine.Run([verb, files.At("run"), .. verb == "predict" ? (string[])[Picture] : [], "--precision", "auto"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("float32, bfloat16", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_picture_is_classified_on_one_thread_by_default()
    {
        torch.set_num_threads(2);
        try
        {
            using var predictor = Predictor.Open(files.At("run"));
            var used = new List<int>();
            predictor.Model.register_forward_hook((_, _, output) =>
            {
                used.Add(torch.get_num_threads());
                return output;
            });
            predictor.Classify(Picture, TestContext.Current.CancellationToken);
            using var shared = new Predictor(predictor.Model, predictor.Card, new() { Threads = 2 });
            shared.Classify(Picture, TestContext.Current.CancellationToken);
            Assert.Equal([1, 2], used);
            Assert.Equal(2, torch.get_num_threads());
        }
        finally
        {
            torch.set_num_threads(1);
        }
    }

    // The numbers of multiply-adds, 0.4 and 3.2 billion, are far from the threshold of one billion.
    [Theory, InlineData(32, true), InlineData(256, false)]
    public void A_run_with_small_batches_uses_one_thread_and_one_with_large_batches_more(int batch, bool one)
    {
        Lane.NeedFull("two trainings");
        Assert.SkipUnless(Environment.ProcessorCount > 1, "one processor");
        var result = CommandLine.RunProcess("train", "--subset", "300", "--epochs", "1", "--batch-size", $"{batch}", "--quiet", "--out",
            files.At($"{batch}"));
        Assert.True(result.ExitCode == 0, result.Error);
        var threads = RunFolder.Open(files.At($"{batch}")).Recipe.Threads;
        Assert.True(one ? threads == 1 : threads > 1, $"{threads} threads");
    }
}
