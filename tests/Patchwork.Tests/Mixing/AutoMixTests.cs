using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Tests.Distributed;
using Patchwork.Tests.Support;
using Patchwork.Tests.Training;
using Patchwork.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class AutoMixTests : IDisposable
{
    private static readonly SeedStream Seeds = new(3);

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly PictureSet files = new();
    private readonly ImageClassifier model = Seeds.Network(() => ModelZoo.Create("resnet8", 4, imageSize: 16));
    private readonly MaskNetwork masks;

    public AutoMixTests()
    {
        model.train();
        using (no_grad())
            model.call(randn(32, 3, 16, 16) * 1.3);      // statistics other than those of a new network
        masks = Seeds.Network(() => new AutoMix().CreateMasks(model));
    }

    public void Dispose()
    {
        masks.Dispose();
        model.Dispose();
        files.Dispose();
        scope.Dispose();
    }

    [Fact]
    public void The_plan_has_the_masks_of_the_network_and_labels_by_lambda()
    {
        var images = randn(6, 3, 16, 24);
        var plan = new AutoMix().Plan(MixContext.Of(images, Seeds.Open("mix")) with { Masks = masks });
        var lambda = Assert.Single(plan.Images.Where((image, i) => image.Partner != i).Select(image => image.Lambda).Distinct());
        using var noGradient = no_grad();
        var expected = masks.Masks(images, plan.Partners(), [.. Enumerable.Repeat(lambda, 6)]);
        Assert.Equal([6, 1, 16, 24], expected.shape);
        Assert.True(expected.gt(0).logical_and(expected.lt(1)).all().ToBoolean());
        foreach (var (i, image) in plan.Images.Index().Where(pair => pair.Item.Partner != pair.Index))
            Assert.True(tensor(((MaskRegion)image.Region).Weights).reshape(16, 24).allclose(expected[i, 0], 1e-6, 1e-7));
        Assert.Contains("needs a mask network", Assert.Throws<InvalidOperationException>(() =>
            new AutoMix().Mix(new Batch(images, arange(6).remainder(4)), Seeds.Open("mix"), model)).Message, StringComparison.Ordinal);
    }

    // x̃ = M⊙x_a + (1-M)⊙x_b: the masks of the two images sum to 1.
    [Fact]
    public void On_constant_images_the_mixed_image_is_the_mask()
    {
        var images = cat([ones(1, 3, 16, 16), zeros(1, 3, 16, 16)]);
        var mixer = new AutoMix { Partners = Partners.Derangement };
        var plan = mixer.Plan(MixContext.Of(images, Seeds.Open("mix")) with { Masks = masks });
        var mixed = mixer.Apply(images, plan);
        Assert.True(mixed[0, 0].allclose(plan.Masks()[0, 0], 1e-6, 1e-6));
        Assert.True(mixed[1, 0].allclose(1 - plan.Masks()[1, 0], 1e-6, 1e-6));
    }

    [Fact]
    public void The_gradient_of_the_masks_loss_reaches_the_block_and_nothing_else()
    {
        model.zero_grad();
        using var seen = masks.See(randn(6, 3, 16, 16));
        Assert.Throws<ArgumentException>(() => seen.Masks(randn(6, 3, 16, 16), [0, 1, 2, 3, 4, 5], [1, 1, 1, 1, 1, 1]));
        masks.Loss(seen, arange(6).remainder(4), new CrossEntropy(), Seeds.Open("masks")).backward();
        Assert.All(masks.Block.parameters(), parameter => Assert.True(parameter.grad is { } gradient && gradient.isfinite().all().ToBoolean()));
        Assert.Contains(masks.Block.named_parameters(), one => one.name.Contains("query", StringComparison.Ordinal)
            && one.parameter.grad!.abs().max().ToSingle() > 0);
        var block = masks.Block.parameters().Select(parameter => parameter.Handle).ToHashSet();
        Assert.All(masks.parameters().Where(parameter => !block.Contains(parameter.Handle)), parameter =>
            Assert.True(parameter.grad is null && !parameter.requires_grad));
        Assert.All(model.parameters(), parameter => Assert.True(parameter.grad is null || parameter.grad.count_nonzero().ToInt64() == 0));
    }

    // The loss without the term of the classes moves the mean of the masks into the margin around λ, and nothing else.
    [Fact]
    public void The_mean_of_the_masks_follows_lambda_within_the_margin()
    {
        using var own = Seeds.Network(() => new AutoMix { AreaMargin = 0.05 }.CreateMasks(model));
        var images = randn(8, 3, 16, 16);
        int[] partners = [1, 2, 3, 4, 5, 6, 7, 0];
        using var optimizer = optim.Adam(own.Block.parameters(), 0.02);
        double Worst() => new[] { 0.2, 0.5, 0.9 }.Max(lambda =>
        {
            using var noGradient = no_grad();
            return own.Masks(images, partners, [.. Enumerable.Repeat(lambda, 8)]).mean([1, 2, 3]).add(-lambda).abs().max().ToDouble();
        });
        Assert.True(Worst() > 0.2);
        for (var step = 0; step < 300; step++)
        {
            using var here = NewDisposeScope();
            optimizer.zero_grad();
            foreach (var lambda in (double[])[0.2, 0.5, 0.9])
                own.AreaLoss(own.Masks(images, partners, [.. Enumerable.Repeat(lambda, 8)]), lambda).backward();
            optimizer.step();
        }
        Assert.InRange(Worst(), 0, 0.07);
        Assert.Equal(0, own.AreaLoss(full([3, 1, 4, 4], 0.54), 0.5).ToDouble(), 1e-7);      // within the margin
        Assert.Equal(0.15, own.AreaLoss(full([3, 1, 4, 4], 0.7), 0.5).ToDouble(), 1e-6);
    }

    [Fact]
    public void The_copy_follows_the_classifier_by_the_momentum_and_takes_its_statistics_over()
    {
        var before = masks.call(randn(2, 3, 16, 16)).shape;
        Assert.Equal([2, 4], before);
        var copy = masks.parameters().Zip(masks.parameters().Select(one => one.clone())).ToArray();
        using (no_grad())
        {
            foreach (var parameter in model.parameters())
                parameter.add_(1);
            foreach (var buffer in model.buffers().Where(buffer => buffer.is_floating_point()))
                buffer.add_(0.5);
        }
        masks.Follow(model);
        var moved = copy.Where(pair => !pair.First.equal(pair.Second).all().ToBoolean()).ToArray();
        Assert.Equal(model.parameters().Count(), moved.Length);
        Assert.All(moved, pair => Assert.True((pair.First - pair.Second).allclose(full_like(pair.First, 0.001), 1e-2, 1e-6)));
        Assert.All(masks.buffers().Zip(model.buffers()), pair => Assert.True(pair.First.equal(pair.Second).all().ToBoolean()));
    }

    // λ of each image can differ: each mask is the one that the image would have if all had its λ.
    [Fact]
    public void A_mask_depends_on_the_lambda_of_its_image_only()
    {
        using var noGradient = no_grad();
        var images = randn(3, 3, 16, 16);
        int[] partners = [1, 2, 0];
        double[] lambdas = [0.1, 0.5, 0.8];
        var together = masks.Masks(images, partners, lambdas);
        for (var i = 0; i < 3; i++)
            Assert.True(masks.Masks(images, partners, [.. Enumerable.Repeat(lambdas[i], 3)])[i].allclose(together[i], 1e-5, 1e-6));
        Assert.False(masks.Masks(images, partners, [0.9, 0.9, 0.9]).allclose(together, 1e-3, 1e-4));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Training_adds_the_clean_images_if_wanted_moves_the_masks_and_lets_the_copy_follow(bool clean)
    {
        using var fit = new TrainerTests.Fit();
        var seen = new Seen();
        var mixing = new MixingCallback(new AutoMix { TrainsOnCleanImages = clean, Partners = Partners.Derangement, Momentum = 0.5 });
        fit.Run([mixing, seen, new MixAudit { LabelsByArea = false }], epochs: 2);
        Assert.All(seen.Rows, rows => Assert.Equal(clean ? 20 : 10, rows));
        Assert.Equal(4, seen.States.Count);
        for (var step = 1; step < 4; step++)
        {
            var (before, now, weights) = (seen.States[step - 1], seen.States[step], seen.Weights[step]);
            Assert.All(now.Keys.Where(key => key.Contains("block.", StringComparison.Ordinal) && key.Contains("network", StringComparison.Ordinal)
                && key.EndsWith("weight", StringComparison.Ordinal)), key => Assert.NotEqual(before[key], now[key]));
            var copied = now.Keys.Single(key => key.EndsWith("encoder.conv1.weight", StringComparison.Ordinal));
            // halfway from where it was to the classifier after the step before
            Assert.All(before[copied].Zip(weights, now[copied]), one => Assert.Equal((one.First + one.Second) / 2, one.Third, 1e-5));
        }
    }

    private sealed class Seen : Callback
    {
        public List<int> Rows { get; } = [];

        public List<Dictionary<string, float[]>> States { get; } = [];

        public List<float[]> Weights { get; } = [];

        public override Batch OnBeforeLoss(TrainingState state, Batch batch, Tensor logits)
        {
            Rows.Add(batch.Count);
            States.Add(state.CallbackTensors().ToDictionary(one => one.Key, one => RankedFit.Numbers(one.Value)));
            Weights.Add(RankedFit.Numbers(state.Model.named_parameters().First(one => one.name == "conv1.weight").parameter));
            return batch;
        }
    }

    private static Recipe Recipe => new()
    {
        Dataset = "shapes",
        Method = "automix",
        Subset = 60,
        Epochs = 2,
        BatchSize = 16,
        Threads = 1,
        Precision = Precision.Float32,
        Validation = "0.2",
        CheckpointEvery = 1,
    };

    [Fact]
    public void A_run_that_is_interrupted_within_an_epoch_resumes_to_the_same_weights_and_masks()
    {
        TrainingRun.Start(Recipe, files.At("whole"), [], _ => { }, cancellation: TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            TrainingRun.Start(Recipe, files.At("broken"), [new StopAt(4, stop)], _ => { }, cancellation: stop.Token));
        TrainingRun.Resume(files.At("broken"), [], _ => { }, cancellation: TestContext.Current.CancellationToken);
        foreach (var part in (string[])["safetensors", "callbacks"])
            Assert.Equal(File.ReadAllBytes(files.At($"whole/checkpoints/last.{part}")), File.ReadAllBytes(files.At($"broken/checkpoints/last.{part}")));
    }

    [Fact]
    public void If_the_network_does_not_fit_what_other_mixers_attached_to_it_is_removed()
    {
        using var fit = new TrainerTests.Fit();
        Callback mixing = new MixingCallback(new OneOf(new RecursiveMix(), new AutoMix { MaskStage = 9 }));
        Assert.Contains("one of the 3 stages", Assert.Throws<InputException>(() => fit.Run([mixing])).Message, StringComparison.Ordinal);
        Assert.Null(fit.Model.LastMap);
    }

    [Fact]
    public void What_divides_a_batch_or_lacks_the_stage_is_rejected()
    {
        Assert.Contains("1 with automix", Assert.Throws<InputException>((Recipe with { Accumulate = 2 }).Resolve).Message,
            StringComparison.Ordinal);
        Assert.Contains("one rank", Assert.Throws<InputException>(() => new RankedFit
        {
            Callbacks = () => [new MixingCallback(new AutoMix())],
        }.Run(2)).Message, StringComparison.Ordinal);
        Assert.Contains("one of the 3 stages", Assert.Throws<InputException>(() => new AutoMix { MaskStage = 4 }.CreateMasks(model)).Message,
            StringComparison.Ordinal);
        Assert.Contains("feature maps", ModelZoo.Misfit("cct-2-3x2", new AutoMix()), StringComparison.Ordinal);
    }
}
