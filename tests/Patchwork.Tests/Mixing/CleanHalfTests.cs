using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

/// <summary>Tests of RegMixup (Pinto et al. 2022) and of the same scheme with other mixers.</summary>
[Collection(SerialCollection.Name)]
public sealed class CleanHalfTests : IDisposable
{
    private static readonly SeedStream Seeds = new(11);

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Batch batch;

    public CleanHalfTests()
    {
        Seeds.SeedTorch("test");
        batch = new Batch(rand(6, 3, 16, 12), tensor(new long[] { 0, 1, 2, 0, 1, 2 })) { Ids = [10, 11, 12, 13, 14, 15] };
    }

    public void Dispose() => scope.Dispose();

    public static TheoryData<string> Mixers => ["mixup", "cutmix", "resizemix", "fmix"];

    private static bool Same(Tensor a, Tensor b) => a.eq(b).all().item<bool>();

    private static Mixer Of(string id) => MethodStack.Parse(id).Mixer!;

    [Theory, MemberData(nameof(Mixers))]
    public void The_first_half_is_the_mixed_batch_and_the_second_half_the_unmixed_batch(string id)
    {
        var mixer = Of(id);
        var alone = mixer.Mix(batch, Seeds.Open("mix"));
        var both = new CleanHalf(mixer).Mix(batch, Seeds.Open("mix"));
        Assert.True(both.HasCleanHalf && both.Count == 12);
        Assert.True(Same(both.Images.narrow(0, 0, 6), alone.Images));
        Assert.True(Same(both.Images.narrow(0, 6, 6), batch.Images));
        Assert.Equal([.. batch.Ids, .. batch.Ids], both.Ids);
        Assert.Equal([.. alone.Targets!.Lambdas, 1, 1, 1, 1, 1, 1], both.Targets!.Lambdas);
        // Executing the plan again on the doubled batch gives the same pixels, so it can be logged, drawn and audited.
        Assert.True(Same(mixer.Apply(cat([batch.Images, batch.Images]), both.Plan!), both.Images));
    }

    [Theory, MemberData(nameof(Mixers))]
    public void The_loss_is_the_mean_of_the_clean_loss_and_the_mixed_loss(string id)
    {
        var mixer = Of(id);
        var (mixed, both) = (mixer.Mix(batch, Seeds.Open("mix")), new CleanHalf(mixer).Mix(batch, Seeds.Open("mix")));
        var loss = new CrossEntropy();
        Tensor Logits(Tensor images) => images.mean([2, 3]).to(ScalarType.Float64) * 7;      // each row independently
        var expected = (loss.Evaluate(Logits(batch.Images), batch.Labels) + mixed.Targets!.Loss(Logits(mixed.Images), loss)) / 2;
        Assert.Equal(expected.ToDouble(), both.Targets!.Loss(Logits(both.Images), loss).ToDouble(), 1e-12);
    }

    [Fact]
    public void Images_mixed_with_themselves_give_the_plain_loss()
    {
        // Rows 0 to 2 are their own partners. Rows 3 to 5 are mixed in a cycle with rows of the same pixels and label.
        var same = new Batch(batch.Images.index_select(0, tensor(new long[] { 0, 1, 2, 3, 3, 3 })),
            batch.Labels.index_select(0, tensor(new long[] { 0, 1, 2, 3, 3, 3 })));
        int[] partners = [0, 1, 2, 4, 5, 3];
        var plan = new MixPlan("mixup", 16, 12, [.. partners.Select(partner => new ImagePlan(partner, new BlendRegion(0.3), 0.3, 0.3))],
            Seeds.Open("mix").Id);
        var both = new CleanHalf(new Mixup()).Mix(same, plan);
        Assert.True(both.HasCleanHalf);
        Assert.Equal(0.25, both.Plan!.ShareMixed);      // three rows of twelve: an image that is its own partner does not count as mixed
        var loss = new CrossEntropy();
        Tensor Logits(Tensor images) => images.mean([2, 3]) * 7;
        Assert.Equal(loss.Evaluate(Logits(same.Images), same.Labels).ToDouble(), both.Targets!.Loss(Logits(both.Images), loss).ToDouble(),
            1e-5);
    }

    [Fact]
    public void A_hit_counts_one_on_a_clean_image_and_the_label_weight_on_a_mixed_one()
    {
        var both = new CleanHalf(new Mixup { Partners = Partners.Roll }).Mix(batch, Seeds.Open("mix"));
        var right = nn.functional.one_hot(both.Labels, 3).to(ScalarType.Float32);      // predicts every image's own class
        Assert.Equal(6 + both.Targets!.Lambdas.Take(6).Sum(), both.Targets.WeightedHits(right), 1e-9);
    }

    [Fact]
    public void Batch_norm_sees_both_halves_as_one_batch()
    {
        var both = new CleanHalf(new CutMix()).Mix(batch, Seeds.Open("mix"));
        using var norm = nn.BatchNorm2d(3, momentum: 1);
        norm.call(both.Images);
        Assert.True(norm.running_mean!.allclose(both.Images.mean([0, 2, 3]), rtol: 1e-5, atol: 1e-6));
        Assert.True(norm.running_var!.allclose(both.Images.transpose(0, 1).flatten(1).var(1), rtol: 1e-4, atol: 1e-6));
    }

    [Fact]
    public void An_unmixed_batch_is_not_doubled_and_cannot_be_mixed_again()
    {
        var plain = new CleanHalf(new CutMix { Probability = 0 }).Mix(batch, Seeds.Open("mix"));
        Assert.Equal((6, false), (plain.Count, plain.HasCleanHalf));
        Assert.Throws<InvalidOperationException>(() => new CleanHalf(new Mixup()).Mix(plain, Seeds.Open("again")));
    }

    [Fact]
    public void Erased_regions_apply_to_both_rows_of_an_image()
    {
        var erased = new Sequence(new Cutout { Length = 4 }).Apply(batch, Seeds.Open("erase"));
        var both = new CleanHalf(new CutMix()).Mix(erased, Seeds.Open("mix"));
        Assert.Equal(12, Assert.Single(both.Erased).Images.Count);
        Assert.Equal(erased.Erased[0].Images.Select(image => image.Region), both.Erased[0].Images.Skip(6).Select(image => image.Region));
    }
}
