using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class CombinatorsTests
{
    private static readonly SeedStream Seeds = new(4);

    private static MixPlan Plan(Mixer mixer, int i) => mixer.Plan(new MixContext(6, 12, 10, Seeds.Open("mix", 0, i)));

    [Fact]
    public void WithProbability_mixes_a_batch_as_the_mixer_alone_does_or_not_at_all()
    {
        foreach (var mixer in (Mixer[])[new CutMix { Scope = Scope.Example }, new Mixup(), new OneOf(new Mixup(), new CutMix())])
        {
            var some = new WithProbability(mixer, 0.3);
            var mixed = 0;
            for (var i = 0; i < 3_000; i++)
            {
                var plan = Plan(some, i);
                var alone = Plan(mixer, i);
                if (plan.ToJson() == alone.ToJson())
                    mixed++;
                else
                    Assert.Equal(MixPlan.Identity(mixer.Id, 6, 12, 10, alone.Stream).ToJson(), plan.ToJson());
            }
            Assert.Equal(0.3, mixed / 3_000.0, 0.03);
        }
    }

    [Fact]
    public void A_probability_of_1_always_mixes_and_0_never_does()
    {
        Assert.All(Enumerable.Range(0, 100), i =>
            Assert.Equal(Plan(new CutMix(), i).ToJson(), Plan(new WithProbability(new CutMix(), 1), i).ToJson()));
        Assert.All(Enumerable.Range(0, 100), i => Assert.False(Plan(new WithProbability(new CutMix(), 0), i).ChangesPixels));
    }

    [Fact]
    public void WithStrengths_sets_alpha_of_the_mixer_and_the_probability_of_the_batch()
    {
        var changed = Assert.IsType<WithProbability>(new WithProbability(new Mixup { Probability = 0.9 }, 0.3).WithStrengths(0.4, 0.6));
        var mixup = Assert.IsType<Mixup>(changed.Mixer);
        Assert.Equal((0.6, 0.4, 0.9), (changed.Probability, mixup.Alpha, mixup.Probability));
    }

    [Fact]
    public void A_nested_probability_and_a_probability_out_of_range_are_rejected()
    {
        Assert.Contains("Multiply", Assert.Throws<ArgumentException>(() =>
            new WithProbability(new WithProbability(new Mixup(), 0.5), 0.5)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new WithProbability(new Mixup(), 1.5));
    }

    [Fact]
    public void A_sequence_applies_its_methods_in_order()
    {
        using var scope = NewDisposeScope();
        var batch = new Batch(rand(6, 3, 12, 10), arange(6));
        var (cutout, erasing, mixer) = (new Cutout { Length = 4 }, new RandomErasing { Probability = 1 }, new CutMix());
        var result = new Sequence(cutout, erasing, mixer).Apply(batch, Seeds.Open("mix"));

        var draws = Seeds.Open("mix");
        var first = cutout.Plan(MixContext.Of(batch.Images, draws));
        var once = Eraser.Apply(batch.Images, first);
        var second = erasing.Plan(MixContext.Of(once, draws));
        var mixed = mixer.Mix(batch with { Images = Eraser.Apply(once, second) }, draws);
        Assert.True(mixed.Images.eq(result.Images).all().ToBoolean());
        Assert.Equal([first.ToJson(), second.ToJson()], result.Erased.Select(plan => plan.ToJson()));
        Assert.Equal(mixed.Plan!.ToJson(), result.Plan!.ToJson());
        Assert.Equal(mixed.Targets!.Loss(eye(6), new CrossEntropy()).item<float>(),
            result.Targets!.Loss(eye(6), new CrossEntropy()).item<float>());
    }

    [Fact]
    public void A_sequence_leaves_the_batch_unchanged_and_leaks_no_tensor()
    {
        using var images = rand(6, 3, 12, 10);
        using var copy = images.clone();
        using var labels = arange(6);
        var batch = new Batch(images, labels);
        var before = LiveTensors.Settled();
        foreach (var sequence in (Sequence[])[new(new Cutout()), new(new Cutout(), new Mixup()),
            new(new Cutout(), new RandomErasing(), new Mixup())])
        {
            var result = sequence.Apply(batch, Seeds.Open("mix"));
            Assert.NotSame(images, result.Images);
            result.Images.Dispose();
            result.Targets?.B.Dispose();
        }
        Assert.Equal(before, Tensor.TotalCount);
        Assert.Equal(copy.data<float>().ToArray(), images.data<float>().ToArray());
    }

    [Fact]
    public void Sequences_that_cannot_work_are_refused_with_the_reason()
    {
        void Refused(string reason, params IMethod[] methods) =>
            Assert.Contains(reason, Assert.Throws<ArgumentException>(() => new Sequence(methods)).Message, StringComparison.Ordinal);
        Refused("A batch can be mixed only once", new Mixup(), new CutMix());
        Refused("before the mixer", new CutMix(), new Cutout());
        Refused("erase or mix pixels", new Cutout(), new ShakeDrop());
        Refused("erase or mix pixels");
        using var images = rand(2, 3, 4, 4);
        using var labels = arange(2);
        using var scope = NewDisposeScope();
        var mixed = new CutMix().Mix(new Batch(images, labels), Seeds.Open("mix"));
        Assert.Contains("already mixed by cutmix",
            Assert.Throws<InvalidOperationException>(() => new Sequence(new Cutout()).Apply(mixed, Seeds.Open("mix"))).Message,
            StringComparison.Ordinal);
        Assert.Contains("OneOf", Assert.Throws<InvalidOperationException>(() => new CutMix().Mix(mixed, Seeds.Open("mix"))).Message,
            StringComparison.Ordinal);
    }
}
