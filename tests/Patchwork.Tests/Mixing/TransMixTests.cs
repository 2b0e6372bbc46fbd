using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Saliency;
using Patchwork.Tests.Support;
using Patchwork.Tests.Training;
using Patchwork.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class TransMixTests : IDisposable
{
    private static readonly TransMix Mixer = new() { Scope = Scope.Example, Partners = Partners.Derangement };

    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    private static MixPlan Plan(int draw, int height = 32, int width = 48) =>
        Mixer.Plan(new MixContext(6, height, width, new SeedStream(2).Open("mix", 0, draw)));

    private static PairTargets Weighed(TransMix mixer, MixPlan plan, Tensor attention) =>
        mixer.Weigh(PairTargets.Of(arange(plan.Images.Count), plan), plan, [.. Enumerable.Range(0, plan.Images.Count)], attention);

    [Fact]
    public void Pixels_are_those_of_CutMix()
    {
        var images = rand(6, 3, 32, 48);
        var cutmix = new CutMix { Scope = Scope.Example, Partners = Partners.Derangement };
        for (var draw = 0; draw < 20; draw++)
        {
            var other = cutmix.Plan(new MixContext(6, 32, 48, new SeedStream(2).Open("mix", 0, draw)));
            Assert.Equal(other.Images, Plan(draw).Images);
            Assert.True(Mixer.Apply(images, Plan(draw)).equal(cutmix.Apply(images, other)).all().ToBoolean());
        }
    }

    // With a grid as fine as the image, the reduced mask is the mask.
    [Fact]
    public void Uniform_attention_gives_the_weight_by_area()
    {
        for (var draw = 0; draw < 20; draw++)
        {
            var plan = Plan(draw);
            var targets = Weighed(Mixer with { AttentionWeight = 1 }, plan, ones(6, 32, 48) * 0.01);
            Assert.All(targets.Lambdas.Zip(plan.Lambdas()), pair => Assert.Equal(pair.Second, pair.First, 1e-12));
        }
    }

    [Fact]
    public void The_weight_is_the_mean_of_the_area_and_the_share_of_the_attention_outside_the_box()
    {
        for (var draw = 0; draw < 20; draw++)
        {
            var plan = Plan(draw);
            var attention = rand(6, 4, 6, dtype: ScalarType.Float64);
            var targets = Weighed(Mixer, plan, attention);
            // the mask at the first pixel of every patch of 8×8, as nearest interpolation takes it
            var masks = nn.functional.interpolate(plan.Masks(), [4, 6]).squeeze(1).to(ScalarType.Float64);
            var shares = (attention * masks).sum([1, 2]) / attention.sum([1, 2]);
            for (var i = 0; i < 6; i++)
            {
                var expected = plan.Images[i].Region.IsEmpty ? 1 : (plan.Images[i].Lambda + shares[i].ToDouble()) / 2;
                Assert.Equal(expected, targets.Lambdas[i], 1e-12);
            }
            Assert.Null(targets.PartnerWeights);
            Assert.True(targets.Soft(6, ScalarType.Float64).sum(1).allclose(ones(6, dtype: ScalarType.Float64)));
        }
    }

    [Fact]
    public void An_image_without_attention_keeps_the_weight_by_area()
    {
        var plan = Plan(1);
        Assert.Equal(plan.Lambdas(), Weighed(Mixer, plan, zeros(6, 4, 6)).Lambdas);
        Assert.Contains("attention must have the shape (N, h, w)",
            Assert.Throws<ArgumentException>(() => Weighed(Mixer, plan, zeros(5, 4, 6))).Message, StringComparison.Ordinal);
    }

    // A network whose attention is the brightness of 2×2 pixels.
    private sealed class Looking : nn.Module<Tensor, Tensor>, IAttentive
    {
        private readonly TorchSharp.Modules.Linear linear = nn.Linear(3, 3);

        public Looking() : base("looking") => RegisterComponents();

        public Action<Tensor>? Attended { get; set; }

        public static Tensor Attention(Tensor images) => nn.functional.avg_pool2d(images.abs().mean([1], keepdim: true), 2).squeeze(1);

        public override Tensor forward(Tensor images)
        {
            using var here = NewDisposeScope();
            Attended?.Invoke(Attention(images).DetachFromDisposeScope());
            return linear.call(images.mean([2, 3])).MoveToOuterDisposeScope();
        }
    }

    // Records the weights that the loss gets, and those by the attention of the same images.
    private sealed class Witness : Callback
    {
        private int first;

        public string? Of { get; init; }

        public List<(double Weight, double Expected)> Images { get; } = [];

        public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
        {
            first = 0;
            return batch;
        }

        public override Batch OnBeforeLoss(TrainingState state, Batch batch, Tensor logits)
        {
            if (Of is not null && batch.Plan!.Method != Of)
                return batch;
            using var here = NewDisposeScope();
            var masks = nn.functional.interpolate(batch.Plan!.Masks().narrow(0, first, batch.Count), [4, 4]).squeeze(1);
            var attention = Looking.Attention(batch.Images);
            var shares = (attention * masks).sum([1, 2]) / attention.sum([1, 2]);
            for (var i = 0; i < batch.Count; i++)
            {
                var image = batch.Plan.Images[first + i];
                Images.Add((batch.Targets!.Lambdas[i], image.Region.IsEmpty ? 1 : (image.Lambda + shares[i].ToDouble()) / 2));
            }
            first += batch.Count;
            return batch;
        }
    }

    [Theory, InlineData(1), InlineData(2)]
    public void Training_weighs_the_labels_by_the_forward_pass_of_the_loss_of_each_part_of_a_batch_too(int accumulate)
    {
        using var fit = new TrainerTests.Fit();
        using var model = new Looking();
        var witness = new Witness();
        new Trainer(new TrainerOptions { Epochs = 1, Optimizer = new Sgd { LearningRate = 0.01 }, Accumulate = accumulate },
            new MixingCallback(Mixer), witness).Fit(model, new TrainingData(fit.Train), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(20, witness.Images.Count);
        Assert.Contains(witness.Images, image => image.Weight is > 0.01 and < 0.99);
        Assert.All(witness.Images, image => Assert.Equal(image.Expected, image.Weight, 1e-5));
        Assert.Null(model.Attended);      // nothing watches after the fit
    }

    // TokenMix looks at the attention of the unmixed images with a watch of its own; TransMix must still get that of the mixed ones.
    [Fact]
    public void Together_with_TokenMix_the_attention_is_still_that_of_the_mixed_images()
    {
        using var fit = new TrainerTests.Fit(batchSize: 5);
        using var model = new Looking();
        var witness = new Witness { Of = Mixer.Id };
        new Trainer(new TrainerOptions { Epochs = 4, Optimizer = new Sgd { LearningRate = 0.01 } },
            new MixingCallback(new OneOf(Mixer, new TokenMix())), witness)
            .Fit(model, new TrainingData(fit.Train), cancellation: TestContext.Current.CancellationToken);
        Assert.InRange(witness.Images.Count, 15, 65);
        Assert.All(witness.Images, image => Assert.Equal(image.Expected, image.Weight, 1e-5));
    }

    [Fact]
    public void It_needs_a_network_with_attention()
    {
        using var fit = new TrainerTests.Fit();
        Assert.Contains("must attend to parts of an image",
            Assert.Throws<ArgumentException>(() => fit.Run([new MixingCallback(Mixer)], epochs: 1)).Message, StringComparison.Ordinal);
    }
}
