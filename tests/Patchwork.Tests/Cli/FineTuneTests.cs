using System.Text.Json.Nodes;
using Patchwork.Formats;
using Patchwork.Interop;
using Patchwork.Plans;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Patchwork.Training;
using TorchSharp;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>Fine-tuning of given weights on the command line.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class FineTuneTests : IDisposable
{
    private readonly PictureSet files = new PictureSet().Paint(perClass: 10);

    public void Dispose() => files.Dispose();

    private string Weights => files.At("run/checkpoints/last.safetensors");

    private CommandResult Train(string run, params string[] more) =>
        CommandLine.Run(["train", "--quiet", .. files.Flags(run, 2), .. more]);

    private IReadOnlyDictionary<string, TorchSharp.torch.Tensor> Trained(string run) =>
        Safetensors.Load(files.At($"{run}/checkpoints/last.safetensors"));

    [Fact]
    public void Fine_tuning_has_a_lower_default_learning_rate_and_does_not_use_the_default_experiment()
    {
        double Rate(Recipe recipe) => recipe.Resolve().Optimizer.LearningRate;
        Assert.Equal(0.01, Rate(new Recipe()));
        Assert.Equal(0.003, Rate(new Recipe { Weights = "imagenet" }), 12);
        Assert.Equal(0.03, Rate(new Recipe { Weights = "imagenet", Optimizer = OptimizerKind.Sgd }), 12);
        Assert.Equal(0.2, Rate(new Recipe { Weights = "imagenet", Lr = 0.2 }));
        Assert.Equal(0, Train("run").ExitCode);
        string[] embedded = ["--image-size", "8", "--per-class", "3", "--epochs", "1", "--seeds", "1", "--methods", "baseline", "--quiet"];
        Assert.Equal(0, CommandLine.Run(["compare", .. embedded, "--weights", Weights, "--out", files.At("begun")]).ExitCode);
        Assert.Equal("Adam", (string?)RecipeOf("begun/baseline-seed1")["optimizer"]);
        Assert.Null(RecipeOf("begun/baseline-seed1")["lr"]);
    }

    private JsonNode RecipeOf(string run) => JsonNode.Parse(File.ReadAllText(files.At($"{run}/recipe.json")))!;

    [Theory, InlineData("adam"), InlineData("sgd", "--lr", "0.01"), InlineData("adamw")]
    public void The_head_is_trained_first_and_a_stopped_run_ends_with_the_same_weights(params string[] optimizer)
    {
        optimizer = ["--optimizer", .. optimizer];
        Assert.Equal(0, Train("run").ExitCode);
        var start = Trained("run");
        // An epoch that trains only the head leaves the features unchanged; the second epoch changes them.
        Assert.Equal(0, CommandLine.Run(["train", "--quiet", .. files.Flags("head", 1), "--weights", Weights, "--freeze-epochs", "1"]).ExitCode);
        Assert.True(Trained("head")["layer1.0.conv1.weight"].equal(start["layer1.0.conv1.weight"]).all().ToBoolean());
        Assert.False(Trained("head")["fc.weight"].equal(start["fc.weight"]).all().ToBoolean());
        string[] both = ["--weights", Weights, "--freeze-epochs", "1", "--layer-decay", "0.5", "--checkpoint-every", "2", .. optimizer];
        Assert.Equal(0, Train("both", both).ExitCode);
        Assert.False(Trained("both")["layer1.0.conv1.weight"].equal(start["layer1.0.conv1.weight"]).all().ToBoolean());
        foreach (var stop in new[] { 3, 9 })      // during the epoch that trains only the head, and after it: 7 steps each
        {
            var run = $"stopped{stop}";
            using var cancel = new CancellationTokenSource();
            Assert.ThrowsAny<OperationCanceledException>(() => TrainingRun.Start(
                Recipe.FromJson(File.ReadAllText(files.At("both/recipe.json"))), files.At(run), [new StopAfter(stop, cancel)], _ => { }, cancellation: cancel.Token));
            if (stop > 7)
                Assert.Equal(0, CommandLine.Run("predict", files.At(run), files.Pictures).ExitCode);      // with its best network so far
            TrainingRun.Resume(files.At(run), [], _ => { }, cancellation: TestContext.Current.CancellationToken);
            var (own, alone) = (Trained(run), Trained("both"));
            Assert.All(alone.Keys, name => Assert.True(own[name].equal(alone[name]).all().ToBoolean(), name));
        }
        Assert.Contains("--freeze-epochs must be 0 without weights", Train("none", "--freeze-epochs", "1").Refusal(), StringComparison.Ordinal);
        Assert.Contains("--freeze-norm must be false without weights", Train("none", "--freeze-norm").Refusal(), StringComparison.Ordinal);
    }

    private sealed class StopAfter(int steps, CancellationTokenSource cancel) : Callback
    {
        private int done;

        public override void OnTrainBatchEnd(TrainingState state, Batch batch)
        {
            if (++done == steps)
                cancel.Cancel();
        }
    }

    [Fact]
    public void Size_and_normalization_come_from_the_card_of_the_weights()
    {
        Assert.Equal(0, Train("run", "--normalization", "0.5,0.5,0.5/0.25,0.25,0.25").ExitCode);
        string[] open = ["train", "--quiet", "--dataset", "folder", "--data", files.Pictures, "--epochs", "1", "--batch-size", "4", "--threads", "1"];
        Assert.Equal(0, CommandLine.Run([.. open, "--weights", Weights, "--out", files.At("next")]).ExitCode);
        Assert.Equal((16, "0.5,0.5,0.5/0.25,0.25,0.25"), ((int)RecipeOf("next")["imageSize"]!, (string)RecipeOf("next")["normalization"]!));
        Assert.Equal(0, CommandLine.Run([.. open, "--weights", Weights, "--out", files.At("other"), "--image-size", "24",
            "--normalization", "imagenet"]).ExitCode);
        Assert.Equal((24, "imagenet"), ((int)RecipeOf("other")["imageSize"]!, (string)RecipeOf("other")["normalization"]!));
        // timm's layout: the same weights with timm's own card next to them.
        Directory.CreateDirectory(files.At("timm"));
        File.Copy(Weights, files.At("timm/model.safetensors"));
        File.WriteAllText(files.At("timm/config.json"), """
            { "architecture": "resnet8", "pretrained_cfg": { "input_size": [3, 20, 20], "mean": [0.4, 0.4, 0.4], "std": [0.2, 0.2, 0.2] } }
            """);
        Assert.Equal(0, CommandLine.Run([.. open, "--weights", files.At("timm/model.safetensors"), "--out", files.At("of-timm")]).ExitCode);
        Assert.Equal((20, "0.4,0.4,0.4/0.2,0.2,0.2"), ((int)RecipeOf("of-timm")["imageSize"]!, (string)RecipeOf("of-timm")["normalization"]!));
    }

    [Fact]
    public void A_comparison_with_weights_can_be_repeated()
    {
        Assert.Equal(0, Train("run").ExitCode);
        string[] compare = ["compare", "--quiet", "--dataset", "folder", "--data", files.Pictures, "--epochs", "1", "--batch-size", "4", "--threads", "1",
            "--methods", "baseline", "--seeds", "1", "--weights", Weights, "--out", files.At("compared")];
        Assert.Equal(0, CommandLine.Run(compare).ExitCode);
        var again = CommandLine.Run(compare);
        Assert.True(again.ExitCode == 0, again.Error);
    }

    [Fact]
    public void A_classifier_starts_from_ImageNet_weights_or_the_message_says_what_is_missing()
    {
        string[] begin = ["train", .. files.Flags("imagenet", 1), "--weights", "imagenet", "--freeze"];
        if (ImageNetResNet18.Find() is null)
        {
            Assert.Contains("dotnet package download", CommandLine.Run(begin).Refusal(), StringComparison.Ordinal);
            Assert.Skip($"The package {ImageNetResNet18.Package} is not here.");
        }
        var trained = CommandLine.Run(begin);
        Assert.True(trained.ExitCode == 0, trained.Error);
        Assert.Contains("stem of ImageNet", trained.Error, StringComparison.Ordinal);
        var recipe = Recipe.FromJson(File.ReadAllText(files.At("imagenet/recipe.json")));
        Assert.Equal((ImageNetResNet18.Model, "imagenet", Patchwork.Models.Stem.ImageNet), (recipe.Model, recipe.Weights, recipe.Stem));
        var answer = CommandLine.Run("predict", files.At("imagenet"), Path.Combine(files.Pictures, "red"));
        Assert.True(answer.ExitCode == 0, answer.Error);
        Assert.Contains("none that do", CommandLine.Run(["train", .. files.Flags("wrong", 1), "--weights", "imagenet", "--model", "resnet20"])
            .Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Predict_reads_folders_and_lists_and_writes_tables()
    {
        Assert.Equal(0, Train("run").ExitCode);
        File.WriteAllText(Path.Combine(files.Pictures, "red", "notes.txt"), "no picture");
        var (csv, json) = (files.At("answers.csv"), files.At("answers.json"));
        var folder = CommandLine.Run("predict", files.At("run"), files.Pictures, "--out", csv);
        Assert.True(folder.ExitCode == 0, folder.Error);
        Assert.Contains("1 file that is not a picture", folder.Error, StringComparison.Ordinal);
        var lines = File.ReadAllLines(csv);
        Assert.StartsWith("image,class,probability,", lines[0], StringComparison.Ordinal);
        Assert.Equal(Directory.GetFiles(files.Pictures, "*.png", SearchOption.AllDirectories).Length, lines.Length - 1);
        File.WriteAllText(files.At("new.csv"), "id,file\n1,red/001.png\n2,green/002.png\n");
        var list = CommandLine.Run("predict", files.At("run"), files.At("new.csv"), "--images", files.Pictures, "--out", json);
        Assert.True(list.ExitCode == 0, list.Error);
        Assert.Equal([Path.Combine(files.Pictures, "red", "001.png"), Path.Combine(files.Pictures, "green", "002.png")],
            JsonNode.Parse(File.ReadAllText(json))!.AsArray().Select(one => (string)one!["image"]!));
        File.WriteAllText(Path.Combine(files.Pictures, "red", "broken.png"), "\u0089PNG");
        var refused = CommandLine.Run("predict", files.At("run"), files.Pictures);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("broken.png", refused.Error, StringComparison.Ordinal);
        var skipped = CommandLine.Run("predict", files.At("run"), files.Pictures, "--skip-damaged", "--out", csv);
        Assert.True(skipped.ExitCode == 0, skipped.Error);
        Assert.Contains("1 damaged image", skipped.Error, StringComparison.Ordinal);
        Assert.Contains(".csv or .json", CommandLine.Run("predict", files.At("run"), files.Pictures, "--out", "x.txt").Refusal(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Lists_train_like_folders_and_folds_test_every_image_once()
    {
        Assert.Equal(0, CommandLine.Run("data", "list-files", files.Pictures, "--out", files.At("listed"), "--image-size", "16").ExitCode);
        string[] flags = ["--epochs", "1", "--batch-size", "4", "--threads", "1", "--image-size", "16", "--quiet"];
        string[] list = ["--dataset", "list", "--data", files.At("listed/labels.csv"), .. flags];
        Assert.Equal(0, CommandLine.Run(["train", "--dataset", "folder", "--data", files.Pictures, .. flags, "--out", files.At("a")]).ExitCode);
        Assert.Equal(0, CommandLine.Run(["train", .. list, "--out", files.At("b")]).ExitCode);
        var (folder, listed) = (Trained("a"), Trained("b"));
        Assert.All(folder.Keys, name => Assert.True(folder[name].equal(listed[name]).all().ToBoolean(), name));      // the same bits

        var compared = CommandLine.Run(["compare", .. list, "--methods", "baseline,cutmix", "--folds", "2", "--class-weights", "balanced", "--balanced",
            "--evaluate", "clean", "--json", "--out", files.At("folds")]);
        Assert.True(compared.ExitCode == 0, compared.Error);
        var clean = compared.Json().GetProperty("evaluation").GetProperty("clean").GetProperty("macro_f1").GetProperty("baseline");
        Assert.Equal(2, clean.GetProperty("seeds").GetInt32());
        Assert.Contains("over the folds", File.ReadAllText(files.At("folds/report.html")), StringComparison.Ordinal);
        var again = CommandLine.Run(["compare", .. list, "--methods", "baseline,cutmix", "--folds", "2", "--class-weights", "balanced", "--balanced",
            "--out", files.At("folds")]);
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.Contains("without a list", CommandLine.Run(["train", "--columns", "path=1", .. files.Flags("no", 1)]).Refusal(), StringComparison.Ordinal);
    }
}
