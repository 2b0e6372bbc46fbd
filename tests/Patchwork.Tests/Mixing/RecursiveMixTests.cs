using Patchwork.Data;
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
public sealed class RecursiveMixTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly PictureSet files = new();

    public void Dispose()
    {
        files.Dispose();
        scope.Dispose();
    }

    private static Batch Images(int count, int classes = 4, int shift = 0) =>
        new(rand(count, 3, 12, 18), (arange(count) + shift).remainder(classes));

    private static EarlierBatch Before(int count, int classes = 4) =>
        new(rand(count, 3, 12, 18), rand(count, classes).softmax(1), randn(count, classes));

    [Fact]
    public void The_first_batch_is_not_mixed()
    {
        var mixed = new RecursiveMix().Mix(Images(5), new SeedStream(1).Open("mix"));
        Assert.False(mixed.Plan!.ChangesPixels);
        Assert.All(mixed.Targets!.Lambdas, lambda => Assert.Equal(1, lambda));
    }

    // Sizes of this batch and the one before: equal, a small last batch, and the batch after it.
    [Theory, InlineData(6, 6), InlineData(3, 8), InlineData(8, 3), InlineData(1, 1)]
    public void The_whole_image_of_the_step_before_is_resized_into_a_box_and_the_labels_mix_by_its_area(int count, int earlier)
    {
        var (changed, before) = (0, Before(earlier));
        for (var draw = 0; draw < 40; draw++)
        {
            var batch = Images(count) with { Earlier = before };
            var mixed = new RecursiveMix().Mix(batch, new SeedStream(2).Open("mix", 0, draw));
            var plan = mixed.Plan!;
            Assert.Equal(plan.ToJson(), MixPlan.FromJson(plan.ToJson()).ToJson());
            var region = Assert.IsType<ResizedRegion>(Assert.Single(plan.Images.Select(image => image.Region).Distinct()));
            var box = region.Box;
            var lambda = 1 - box.Area / (12.0 * 18);
            Assert.InRange(lambda, 0.5 - 1e-9, 1);
            for (var i = 0; i < count; i++)
            {
                var other = i % earlier;
                Assert.Equal(count + other, plan.Images[i].Partner);
                Assert.Equal(lambda, plan.Images[i].Lambda, 1e-12);
                var expected = batch.Images[i].clone();
                if (!box.IsEmpty)
                    expected.narrow(1, box.Top, box.Height).narrow(2, box.Left, box.Width).copy_(nn.functional.interpolate(
                        before.Images[other].unsqueeze(0), [box.Height, box.Width], mode: InterpolationMode.Bilinear, align_corners: true)[0]);
                Assert.True(mixed.Images[i].allclose(expected, 1e-5, 1e-6));
                var own = nn.functional.one_hot(batch.Labels[i], 4).to(ScalarType.Float32);
                Assert.True(mixed.Targets!.Soft(4)[i].allclose(own * lambda + before.Labels[other] * (1 - lambda), 1e-5, 1e-6));
            }
            changed += plan.ChangesPixels ? 1 : 0;
        }
        Assert.InRange(changed, 30, 40);      // small boxes are empty
    }

    [Fact]
    public void Targets_sum_to_one_after_a_hundred_steps()
    {
        EarlierBatch? before = null;
        for (var step = 0; step < 100; step++)
        {
            using var here = NewDisposeScope();
            var mixed = new RecursiveMix { Alpha = 1 }.Mix(Images(step % 7 == 6 ? 2 : 4, shift: step) with { Earlier = before },
                new SeedStream(3).Open("mix", 0, step));
            var soft = mixed.Targets!.Soft(4, ScalarType.Float64);
            Assert.True(soft.sum(1).allclose(ones(mixed.Count, dtype: ScalarType.Float64), 1e-5, 1e-5));
            Assert.True(soft.ge(0).all().ToBoolean());
            (var used, before) = (before, EarlierBatch.Of(mixed, randn(mixed.Count, 4)));
            used?.Dispose();
        }
        Assert.True(before!.Labels.gt(0).all().ToBoolean());      // every class has arrived in every label
        before.Dispose();
    }

    // A network whose features are constant answers the same for every box; the cross entropy is then that of its own answer.
    [Fact]
    public void The_consistency_is_the_cross_entropy_of_the_box_with_the_answer_of_the_step_before()
    {
        var (recursive, before) = (new RecursiveMix { ConsistencyWeight = 0.3 }, Before(2));
        using var head = nn.Linear(5, 4);
        for (var draw = 0; draw < 10; draw++)
        {
            var plan = recursive.Mix(Images(2) with { Earlier = before }, new SeedStream(4).Open("mix", 0, draw)).Plan!;
            var box = plan.Images[0].Region.Reach(12, 18);
            if (box.IsEmpty)
                continue;
            var features = randn(2, 5, 4, 6);      // cells of 3×3 pixels
            var large = nn.functional.interpolate(features, [12, 18], mode: InterpolationMode.Nearest);
            var inside = large.narrow(2, box.Top, box.Height).narrow(3, box.Left, box.Width).mean([2, 3]);
            var expected = (before.Logits.softmax(1) * head.call(inside).log_softmax(1)).sum(1) * (-0.3 * (1 - plan.Images[0].Lambda));
            Assert.True(recursive.Consistency(features, head, plan, before).allclose(expected, 1e-4, 1e-6));
        }
    }

    private static Recipe Recipe => new()
    {
        Dataset = "shapes",
        Method = "recursivemix",
        Subset = 60,
        Epochs = 3,
        BatchSize = 16,
        Threads = 1,
        Precision = Precision.Float32,
        Validation = "0.2",
        Flip = true,
        CheckpointEvery = 1,
    };

    [Theory, InlineData("recursivemix"), InlineData("mixup-or-recursivemix")]
    public void A_run_that_is_interrupted_within_an_epoch_resumes_to_the_same_weights(string method)
    {
        var recipe = Recipe with { Method = method };
        TrainingRun.Start(recipe, files.At("whole"), [], _ => { }, cancellation: TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            TrainingRun.Start(recipe, files.At("broken"), [new StopAt(5, stop)], _ => { }, cancellation: stop.Token));
        TrainingRun.Resume(files.At("broken"), [], _ => { }, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(files.At("whole/checkpoints/last.safetensors")),
            File.ReadAllBytes(files.At("broken/checkpoints/last.safetensors")));
    }

    [Fact]
    public void Training_mixes_every_batch_with_the_one_before_and_leaves_the_network_as_it_was()
    {
        using var fit = new TrainerTests.Fit();
        var seen = new Seen();
        fit.Run([new MixingCallback(new RecursiveMix { Alpha = 1 }), seen, new MixAudit()], epochs: 3);
        Assert.Equal(6, seen.Batches.Count);
        Assert.Null(seen.Batches[0].Earlier);
        for (var i = 1; i < 6; i++)
            Assert.Equal(seen.Batches[i - 1].Images, seen.Batches[i].Earlier);
        Assert.Null(fit.Model.LastMap);
        Assert.Contains(seen.Batches.Skip(1), batch => batch.Mixed);
    }

    // The same fit with and without the added loss differs by it in the second step, the first with a batch before it.
    [Fact]
    public void The_training_loss_contains_the_consistency()
    {
        (double Loss, double Added)[] Losses(double weight)
        {
            using var fit = new TrainerTests.Fit();
            var seen = new Added(new RecursiveMix { Alpha = 1, ConsistencyWeight = 0.7 }, fit.Model);
            fit.Run([new MixingCallback(new RecursiveMix { Alpha = 1, ConsistencyWeight = weight }), seen], epochs: 1);
            return [.. seen.Losses];
        }
        var (with, without) = (Losses(0.7), Losses(0));
        Assert.Equal(2, with.Length);
        Assert.Equal(without[0].Loss, with[0].Loss, 1e-6);
        Assert.True(with[1].Added > 1e-3);
        Assert.Equal(without[1].Loss + with[1].Added, with[1].Loss, 1e-4);
    }

    // Computes the added loss of each step from the last features of the same forward pass.
    private sealed class Added(RecursiveMix mixer, ImageClassifier model) : Callback
    {
        private Tensor? map;
        private double added;

        public List<(double Loss, double Added)> Losses { get; } = [];

        public override void OnTrainStart(TrainingState state)
        {
            var inner = model.LastMap;
            model.LastMap = last =>
            {
                inner?.Invoke(last);
                map?.Dispose();
                map = last.detach().clone().DetachFromDisposeScope();
            };
        }

        public override Batch OnBeforeLoss(TrainingState state, Batch batch, Tensor logits)
        {
            using var here = NewDisposeScope();
            using var noGradient = no_grad();
            added = batch.Earlier is { } earlier ? mixer.Consistency(map!, model.Head, batch.Plan!, earlier).mean().ToDouble() : 0;
            return batch;
        }

        public override void OnTrainBatchEnd(TrainingState state, Batch batch) => Losses.Add((state.Loss, added));

        public override void OnFitEnd(TrainingState state) => map?.Dispose();
    }

    [Fact]
    public void No_tensor_leaks_over_the_steps_of_a_training()
    {
        using var fit = new TrainerTests.Fit();
        var counts = new Counts();
        fit.Run([new MixingCallback(new OneOf(new RecursiveMix(), new AutoMix())), counts], epochs: 8);
        Assert.InRange(counts.Live[^1] - counts.Live[3], -3, 3);      // a step may or may not keep the batch of the step before
    }

    private sealed class Counts : Callback
    {
        public List<long> Live { get; } = [];

        public override void OnTrainEpochEnd(TrainingState state) => Live.Add(LiveTensors.Settled());
    }

    private sealed class Seen : Callback
    {
        public List<(float[] Images, float[]? Earlier, bool Mixed)> Batches { get; } = [];

        public override Batch OnBeforeLoss(TrainingState state, Batch batch, Tensor logits)
        {
            Batches.Add((RankedFit.Numbers(batch.Images), batch.Earlier is { } earlier ? RankedFit.Numbers(earlier.Images) : null, batch.Plan!.ChangesPixels));
            return batch;
        }
    }

    [Fact]
    public void What_divides_a_batch_is_rejected()
    {
        Assert.Contains("1 with recursivemix", Assert.Throws<InputException>((Recipe with { Accumulate = 2 }).Resolve).Message,
            StringComparison.Ordinal);
        Assert.Contains("false with recursivemix", Assert.Throws<InputException>((Recipe with { CleanHalf = true }).Resolve).Message,
            StringComparison.Ordinal);
        Assert.Contains("0 with recursivemix", Assert.Throws<InputException>((Recipe with { Decoupled = 0.1 }).Resolve).Message,
            StringComparison.Ordinal);
        Assert.Contains("one rank", Assert.Throws<InputException>(() => new RankedFit
        {
            Callbacks = () => [new MixingCallback(new RecursiveMix())],
        }.Run(2)).Message, StringComparison.Ordinal);
        Assert.Contains("feature maps", ModelZoo.Misfit("vit-tiny", new RecursiveMix()), StringComparison.Ordinal);
        Assert.Null(ModelZoo.Misfit("vit-tiny", new RecursiveMix { ConsistencyWeight = 0 }));
    }
}
