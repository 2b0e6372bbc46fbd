using System.Text.Json.Nodes;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Inference;
using Patchwork.Models;
using Patchwork.Onnx;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Patchwork.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Inference;

/// <summary>
/// Tests that a trained network gives the same answers from memory, from its folder and from a run, at the fitted temperature.
/// </summary>
[Collection(ProcessesCollection.Name)]
public sealed class PredictorTests : IDisposable
{
    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    [Fact]
    public void A_network_from_a_trainer_predicts_and_is_saved_without_a_recipe()
    {
        var clothing = DatasetCatalogue.Open("clothing", new DataOptions());
        var seeds = new SeedStream(1);
        using var model = seeds.Network(() => ModelZoo.Create("resnet8", clothing.Train.ClassNames.Count));
        using var train = new BatchLoader(StratifiedSplit.Some(clothing.Train, 64), seeds, new LoaderOptions { BatchSize = 32 });
        new Trainer(new TrainerOptions { Epochs = 1, Seeds = seeds }).Fit(model, new TrainingData(train),
            cancellation: TestContext.Current.CancellationToken);
        using var predictor = new Predictor(model, ModelCard.Of(model, clothing.Train));
        var picture = PictureFiles.WriteNoise(files.At("noise.png"), 50, 40);
        var expected = predictor.Classify(picture, TestContext.Current.CancellationToken);
        Assert.Equal(clothing.Train.ClassNames, expected.Classes);

        predictor.Save(files.At("saved"));
        using (var opened = Predictor.Open(files.At("saved")))
            Assert.Equal(expected.Probabilities, opened.Classify(picture, TestContext.Current.CancellationToken).Probabilities);
        Assert.Throws<InputException>(() => predictor.Save(files.At("saved")));
        var said = CommandLine.Run("predict", files.At("saved"), picture);
        Assert.True(said.ExitCode == 0, said.Error);
        Assert.Contains(expected.Best.ToString(), said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_custom_network_predicts_and_one_with_a_wrong_number_of_logits_is_rejected()
    {
        var card = new ModelCard("colours", ["red", "green", "blue"], 3, 4, 4, [0, 0, 0], [1, 1, 1]);
        using var means = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten());
        using var predictor = new Predictor(means, card);
        byte[] green = [.. Enumerable.Range(0, 16).SelectMany(_ => new byte[] { 0, 255, 0 })];
        var answer = predictor.ClassifyPixels(green, TestContext.Current.CancellationToken);
        Assert.Equal("green", answer.Best.Class);
        Assert.Equal(Math.E / (Math.E + 2), answer.Best.Probability, 1e-7);
        using var four = new Predictor(means, card with { Classes = ["a", "b", "c", "d"] });
        Assert.Contains("Received: 1×3", Assert.Throws<InputException>(() =>
            four.ClassifyPixels(green, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Probabilities_use_the_temperature_fitted_to_the_validation_images()
    {
        var recipe = new Recipe { Epochs = 2, PerClass = 60, Validation = "0.3", Threads = 1 };
        TrainingRun.Start(recipe, files.At("run"), [], _ => { }, cancellation: TestContext.Current.CancellationToken);
        using var predictor = Predictor.Open(files.At("run"));
        var temperature = Assert.NotNull(predictor.Card.Temperature);
        Assert.Equal((1ul, 64), (Assert.NotNull(predictor.Card.Seed), predictor.Card.Data!.Length));

        // Under softmax(z / T), no other T makes the classes of the validation images more likely.
        var held = RunData.Open(RunFolder.Open(files.At("run"))).Validation;
        var (logits, labels) = (new List<float[]>(), new List<int>());
        using (var loader = new BatchLoader(held, new SeedStream(1), LoaderOptions.Evaluation(50)))
        {
            foreach (var batch in loader.Epoch(0))
            {
                using var scope = NewDisposeScope();
                logits.AddRange(predictor.Model.call(batch.Images).data<float>().ToArray().Chunk(predictor.Classes.Count));
                labels.AddRange(batch.Labels.data<long>().Select(label => (int)label));
            }
        }
        var best = TemperatureScaling.NegativeLogLikelihood(logits, labels, temperature);
        Assert.All((double[])[0.98, 1.02], factor =>
            Assert.True(best < TemperatureScaling.NegativeLogLikelihood(logits, labels, temperature * factor)));

        var picture = PictureFiles.WriteNoise(files.At("noise.png"), 50, 40);
        using var plain = new Predictor(predictor.Model, predictor.Card with { Temperature = null });
        double Spread(PictureClassifier classifier)
        {
            var two = classifier.Classify(picture, TestContext.Current.CancellationToken).Top(2);
            return Math.Log(two[0].Probability / two[1].Probability);
        }
        Assert.Equal(Spread(plain) / temperature, Spread(predictor), 1e-6);
        using var file = OnnxClassifier.Load(new OnnxExport().Of(predictor.Model, predictor.Card));
        Assert.Equal(Spread(predictor), Spread(file), 1e-4);
        Assert.Equal(predictor.Classify(picture, TestContext.Current.CancellationToken).Best.Probability,
            predictor.Explain(picture).Activation.Probability, 1e-6);
        // A temperature belongs to the weights that it was fitted to.
        using var last = Predictor.Open(files.At("run"), WeightsOf.LastEpoch);
        Assert.Null(last.Card.Temperature);
    }

    [Fact]
    public void A_card_without_newer_keys_gets_their_defaults()
    {
        var card = JsonNode.Parse(new ModelCard("resnet18", ["cat", "dog"], 3, 64, 64, [0, 0, 0], [1, 1, 1]).ToJson())!.AsObject();
        foreach (var key in (string[])["centerCrop", "scaledDecoding", "method", "dropProbability", "stem", "options"])
            Assert.True(card.Remove(key), key);
        var read = ModelCard.FromJson(card.ToJsonString(), "model.json");
        Assert.Equal((1, "baseline", false), (read.CenterCrop, read.Method, read.ScaledDecoding));
        // At that time networks for images of up to 64 pixels had the small stem.
        using var model = read.CreateModel();
        Assert.Equal(Stem.Small, Assert.IsType<ResNet>(model).Stem);
    }
}
