using Patchwork.Data;
using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Regularization;
using Patchwork.Runs;
using Patchwork.Saliency;
using Patchwork.Tests.Support;
using Patchwork.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Training;

/// <summary>Everything that acts on or in a network also works in bfloat16, and the test runs in float32.</summary>
[Collection(SerialCollection.Name)]
public sealed class PrecisionTests : IDisposable
{
    private readonly PictureSet files = new PictureSet().Paint(perClass: 8);

    public PrecisionTests() => Assert.SkipUnless(Autocast.IsSupported, "the loaded libtorch has no autocast functions");

    public void Dispose() => files.Dispose();

    private Recipe Small => new()
    {
        Dataset = "folder",
        Data = files.Pictures,
        ImageSize = 8,
        Epochs = 2,
        BatchSize = 4,
        Threads = 1,
        Validation = "0.25",
        Precision = Precision.BFloat16,
    };

    private RunResult Start(Recipe recipe, string run, Action<Notice>? report = null, params Callback[] callbacks) =>
        TrainingRun.Start(recipe, files.At(run), callbacks, report ?? (_ => { }), cancellation: TestContext.Current.CancellationToken);

    private byte[] Weights(string run) => File.ReadAllBytes(Path.Combine(files.At(run), "checkpoints", "last.safetensors"));

    /// <summary>Records the precision of each part of a fit, and ends the fit by an exception at a given step.</summary>
    private sealed class Watch(int failAt = -1) : Callback
    {
        public HashSet<(string Part, Precision Precision)> Seen { get; } = [];

        private void See(string part, TrainingState state) => Seen.Add((part, ((ImageClassifier)state.Model).Precision));

        public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
        {
            See("train", state);
            return state.Step == failAt ? throw new OperationCanceledException() : batch;
        }

        public override void OnValidationBatchStart(TrainingState state, Batch batch) => See("validation", state);

        public override void OnTestBatchStart(TrainingState state, Batch batch) => See("test", state);
    }

    [Fact]
    public void Training_and_validation_use_the_runs_precision_and_the_test_float32()
    {
        var (watch, notices) = (new Watch(), new List<Notice>());
        var result = Start(Small, "run", notices.Add, watch);
        Assert.Equal([("train", Precision.BFloat16), ("validation", Precision.BFloat16), ("test", Precision.Float32)], watch.Seen);
        Assert.Equal(Precision.Float32, result.Precision);
        Assert.Equal(Precision.BFloat16, RunFolder.Open(files.At("run")).Recipe.Precision);
        Assert.Equal(Autocast.Best(CPU) == Precision.Float32,
            notices.Any(notice => notice.IsWarning && notice.Text.Contains("slower than float32", StringComparison.Ordinal)));
        Start(Small with { Precision = Precision.Float32 }, "exact");
        Assert.NotEqual(Weights("exact"), Weights("run"));
    }

    [Fact]
    public void Auto_precision_is_resolved_when_a_run_starts()
    {
        Start(Small with { Precision = Precision.Auto, Epochs = 1 }, "run");
        Assert.Equal(Autocast.Best(CPU), RunFolder.Open(files.At("run")).Recipe.Precision);
    }

    [Fact]
    public void A_run_from_before_the_precision_key_uses_float32()
    {
        Start(Small with { Precision = Precision.Float32, Epochs = 1 }, "run");
        var path = Path.Combine(files.At("run"), "recipe.json");
        var lines = File.ReadAllLines(path);
        File.WriteAllLines(path, lines.Where(line => !line.Contains("\"precision\"", StringComparison.Ordinal)));
        Assert.Equal(lines.Length - 1, File.ReadAllLines(path).Length);
        Assert.Equal(Precision.Float32, RunFolder.Open(files.At("run")).Recipe.Precision);
    }

    [Fact]
    public void A_resumed_run_equals_an_uninterrupted_one_bit_for_bit()
    {
        var recipe = Small with { Method = "cutmix", CheckpointEvery = 2, Ema = 0.9 };
        Start(recipe, "whole");
        Assert.Throws<OperationCanceledException>(() => Start(recipe, "broken", null, new Watch(failAt: 5)));
        TrainingRun.Resume(files.At("broken"), [], _ => { }, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(Weights("whole"), Weights("broken"));
    }

    public static TheoryData<string> Stacks =>
        ["manifoldmixup", "featurecutmix", "puzzlemix", "snapmix", "shakedrop", "dropblock", "stochasticdepth",
            "cutmix+dropblock+labelsmoothing", "guidedmixup", "recursivemix", "automix", "transmix", "tokenmix+stochasticdepth"];

    // With a moving average, gradient accumulation and clipping.
    [Theory, MemberData(nameof(Stacks))]
    public void Methods_train_in_bfloat16(string method)
    {
        // these need the whole batch in one pass
        var whole = method is "manifoldmixup" or "featurecutmix" or "recursivemix" or "automix";
        var model = MethodStack.Parse(method).Methods.Any(one => one.NetworkNeed == NetworkNeed.Attention) ? "cct-2-3x2" : Small.Model;
        var result = Start(Small with { Method = method, Model = model, Epochs = 1, Accumulate = whole ? 1 : 2, Clip = 1, Ema = 0.9 }, "run");
        Assert.True(double.IsFinite(result.Last.Loss));
    }

    [Fact]
    public void A_trainer_rejects_bfloat16_for_a_custom_network()
    {
        using var model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 16, 3));
        using var loader = new BatchLoader(new NoiseImages(), new SeedStream(1), new LoaderOptions { BatchSize = 8 });
        var trainer = new Trainer(new TrainerOptions { Epochs = 1, Precision = Precision.BFloat16 });
        var error = Assert.Throws<InputException>(() => trainer.Fit(model, new TrainingData(loader),
            cancellation: TestContext.Current.CancellationToken));
        Assert.Contains("`Autocast.To`", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_trainer_leaves_a_network_its_own_precision_unless_told_otherwise()
    {
        using var model = ModelZoo.Create("resnet8", 3);
        model.Precision = Precision.BFloat16;
        foreach (var (asked, expected) in ((Precision?, Precision)[])[(null, Precision.BFloat16), (Precision.Float32, Precision.Float32)])
        {
            using var loader = new BatchLoader(new NoiseImages(count: 8), new SeedStream(1), new LoaderOptions { BatchSize = 4 });
            var watch = new Watch();
            new Trainer(new TrainerOptions { Epochs = 1, Precision = asked }, watch)
                .Fit(model, new TrainingData(loader), cancellation: TestContext.Current.CancellationToken);
            Assert.Equal([("train", expected)], watch.Seen);
            Assert.Equal(Precision.BFloat16, model.Precision);
        }
    }

    // If it were drawn in bfloat16, whose steps below 1 are 2^-8, a probability of 0.001 would become 0.004 or 0.
    [Fact]
    public void Small_drop_probabilities_are_preserved_in_bfloat16()
    {
        using var scope = NewDisposeScope();
        new SeedStream(3).SeedTorch("drops");
        var method = new DropBlock { BlockSize = 1, DropProbability = 0.001 };
        using var layer = method.LayerAt(new BlockPlace(1, 1, 3, 3))!;
        var features = ones(100, 100, 10, 10, dtype: ScalarType.BFloat16);
        var dropped = layer.call(features).eq(0).to(ScalarType.Float64).mean().ToDouble();
        Assert.Equal(ScalarType.BFloat16, layer.call(features).dtype);
        // Six standard deviations for a million draws.
        Assert.InRange(dropped, 0.001 - 6 * Math.Sqrt(0.001 / 1e6), 0.001 + 6 * Math.Sqrt(0.001 / 1e6));
    }

    [Fact]
    public void Features_are_mixed_with_the_lambda_of_the_labels()
    {
        using var scope = NewDisposeScope();
        using var carrier = new Carrier();
        var mixup = new ManifoldMixup { Layers = ["layer"] };
        var images = cat([zeros(1, 1, 4, 4), ones(1, 1, 4, 4)]).to(ScalarType.BFloat16);
        using var attached = mixup.Attach(carrier, images);
        for (var step = 0; attached.Plan is null || attached.Plan.Partners()[1] == 1; step++)
            attached.Plan = attached.Draw(images, new SeedStream(4).Open("mix", 0, step));
        var mixed = carrier.call(images);
        var lambdas = attached.Plan.Lambdas();
        Assert.Equal(ScalarType.BFloat16, mixed.dtype);
        // The image of ones becomes λ, rounded once.
        Assert.Equal((double)(float)(BFloat16)(float)lambdas[1], mixed[1, 0, 0, 0].ToDouble());
    }

    private sealed class Carrier : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> layer = nn.Identity();

        public Carrier() : base("carrier") => RegisterComponents();

        public override Tensor forward(Tensor input) => layer.call(input);
    }

    [Fact]
    public void Saliency_maps_in_bfloat16_are_float32_and_close_to_those_in_float32()
    {
        using var scope = NewDisposeScope();
        using var model = new SeedStream(5).Network(() => ModelZoo.Create("resnet8", 4));
        new SeedStream(6).SeedTorch("batch");
        var (images, labels) = (randn(3, 3, 16, 16), tensor(new long[] { 0, 1, 2 }));
        foreach (var map in (Func<Tensor>[])[() => GradCam.AtFeatures(model, images, labels, "layer3"),
            () => ClassActivation.Of(model, images, labels), () => InputGradient.Of(model, images, labels)])
        {
            model.Precision = Precision.Float32;
            var exact = map();
            model.Precision = Precision.BFloat16;
            var near = map();
            Assert.Equal(ScalarType.Float32, near.dtype);
            Assert.InRange(((near - exact).norm() / exact.norm()).ToDouble(), 0, 0.1);
        }
    }
}
