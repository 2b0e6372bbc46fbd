using System.Text.Json.Nodes;
using Patchwork.Formats;
using Patchwork.Inference;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Patchwork.Training;
using Xunit;

namespace Patchwork.Tests.Runs;

[Collection(SerialCollection.Name)]
public sealed class TrainingRunTests : IDisposable
{
    private readonly PictureSet files = new PictureSet().Paint(perClass: 10);

    public void Dispose() => files.Dispose();

    private Recipe Small => new() { Dataset = "folder", Data = files.Pictures, ImageSize = 16, Epochs = 1, BatchSize = 4, Threads = 1 };

    private RunResult Start(Recipe recipe, string run, Action<Notice>? report = null, params Callback[] callbacks) =>
        TrainingRun.Start(recipe, files.At(run), callbacks, report ?? (_ => { }), cancellation: TestContext.Current.CancellationToken);

    private sealed class When(Action<TrainingState> start) : Callback
    {
        public override void OnTrainStart(TrainingState state) => start(state);
    }

    // A random resized crop reads the files again during training.
    [Fact]
    public void A_run_can_be_resumed_once_images_damaged_during_training_are_restored()
    {
        var path = Path.Combine(files.Pictures, "green", "004.png");
        var whole = File.ReadAllBytes(path);
        var error = Assert.Throws<OutputException>(() => Start(Small with { ResizedCrop = 0.5, Validation = "test" }, "run", null,
            new When(_ =>
                {
                    foreach (var picture in Directory.GetFiles(files.Pictures, "*.png",
                SearchOption.AllDirectories)) File.WriteAllBytes(picture, whole[..(whole.Length / 2)]);
                })));
        Assert.Contains(files.Pictures, error.Message, StringComparison.Ordinal);
        Assert.Contains("`TrainingRun.Resume(", error.Message, StringComparison.Ordinal);
        Assert.Contains("no checkpoint yet", error.Message, StringComparison.Ordinal);
        foreach (var picture in Directory.GetFiles(files.Pictures, "*.png", SearchOption.AllDirectories))
            File.WriteAllBytes(picture, whole);
        Assert.Equal(1, TrainingRun.Resume(files.At("run"), [], _ => { }, cancellation: TestContext.Current.CancellationToken).Epochs);
    }

    [Fact]
    public void A_run_from_before_scaled_decoding_still_decodes_whole_images()
    {
        Start(Small, "run");
        var picture = PictureFiles.WriteNoise(files.At("large.jpg"), 301, 275);
        IReadOnlyList<double> Predict()
        {
            using var predictor = Predictor.Open(files.At("run"));
            return predictor.Classify(picture).Probabilities;
        }
        var scaled = Predict();
        foreach (var path in new[] { files.At("run/recipe.json"), files.At("run/checkpoints/model.json") })
        {
            var stored = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
            Assert.True((bool)stored["scaledDecoding"]!);
            stored.Remove("scaledDecoding");
            File.WriteAllText(path, stored.ToJsonString());
        }
        Assert.False(RunFolder.Open(files.At("run")).Recipe.ScaledDecoding);
        Assert.NotEqual(scaled, Predict());
    }

    [Fact]
    public void Only_notices_that_may_affect_the_result_are_warnings()
    {
        Start(Small, "first");
        var notices = new List<Notice>();
        Start(Small with { Weights = Path.Combine(files.At("first"), "checkpoints", "last.safetensors"), Method = "cutmix" }, "whole",
            notices.Add);
        Assert.NotEmpty(notices);
        Assert.DoesNotContain(notices, notice => notice.IsWarning);

        Directory.Move(Path.Combine(files.Pictures, "red"), Path.Combine(files.At("pictures"), "violet"));
        File.WriteAllText(Path.Combine(files.Pictures, "green", "004.png"), "broken");
        var other = files.At("other.safetensors");
        using (var model = ModelCard.Read(Path.Combine(files.At("first"), "checkpoints", "model.json")).CreateModel())
            Safetensors.Save(other, model.state_dict().Take(5).ToDictionary());
        notices.Clear();
        Start(Small with { Weights = other, SkipDamaged = true }, "part", notices.Add);
        string[] warnings = [.. notices.Where(notice => notice.IsWarning).Select(notice => notice.ToString())];
        Assert.Equal(2, warnings.Length);
        Assert.Contains("newly initialized", warnings[0], StringComparison.Ordinal);
        Assert.Contains("left out 1 damaged image", warnings[1], StringComparison.Ordinal);
    }

    [Fact]
    public void The_error_of_a_diverged_run_says_what_is_kept_and_does_not_suggest_resuming()
    {
        void Ruin(TrainingState state)
        {
            using (TorchSharp.torch.no_grad())
                state.Model.parameters().First().fill_(double.NaN);
        }
        var error = Assert.Throws<NonFiniteException>(() => Start(Small, "run", null, new When(Ruin)));
        Assert.Contains("There was no checkpoint yet: start again in a new folder", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("resume", error.Message, StringComparison.Ordinal);
        Start(Small with { Epochs = 1 }, "later");
        File.Delete(Path.Combine(files.At("later"), "result.json"));
        var recipe = Path.Combine(files.At("later"), "recipe.json");      // one epoch is left to train
        File.WriteAllText(recipe, File.ReadAllText(recipe).Replace("\"epochs\": 1", "\"epochs\": 2", StringComparison.Ordinal));
        var checkpoints = Path.Combine(files.At("later"), "checkpoints");
        error = Assert.Throws<NonFiniteException>(() =>
            TrainingRun.Resume(files.At("later"), [new When(Ruin)], _ => { }, cancellation: TestContext.Current.CancellationToken));
        Assert.Contains($"is kept in {checkpoints}", error.Message, StringComparison.Ordinal);
    }
}
