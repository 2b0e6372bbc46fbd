using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Saliency;
using Patchwork.Tests.Saliency;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class TokenMixTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly ImageClassifier model = new SeedStream(1).Network(() => ModelZoo.Create("vit-tiny", 4));

    public void Dispose()
    {
        model.Dispose();
        scope.Dispose();
    }

    private MixPlan Plan(TokenMix mixer, Tensor images, int draw) => mixer.Plan(MixContext.Of(images, new SeedStream(3).Open("mix", 0, draw))
        with
    { Labels = arange(images.size(0)).remainder(4), Model = model });

    // 14×14 tokens: 98 + 14 of 196, the count of the authors' code for λ = 0.5.
    [Fact]
    public void Blocks_fill_up_to_112_of_196_tokens_and_single_tokens_exactly_112()
    {
        var exact = 0;
        for (var draw = 0; draw < 200; draw++)
        {
            var draws = new SeedStream(5).Open("mix", 0, draw);
            Assert.Equal(112, new TokenMix { Choice = TokenChoice.Single }.Replaced(14, 14, draws).Count(one => one));
            var count = new TokenMix().Replaced(14, 14, draws).Count(one => one);
            Assert.InRange(count, 56, 112);
            exact += count == 112 ? 1 : 0;
        }
        Assert.True(exact > 100, $"{exact}");
        Assert.Equal((0, 196), (new TokenMix { KeptTokens = 1, Extra = 0 }.Replaced(14, 14, new SeedStream(5).Open("mix")).Count(one => one),
            new TokenMix { KeptTokens = 0, Choice = TokenChoice.Single }.Replaced(14, 14, new SeedStream(5).Open("mix")).Count(one => one)));
    }

    [Fact]
    public void Whole_patches_are_replaced_and_the_weights_are_the_visible_shares_of_the_attention()
    {
        var images = randn(5, 3, 32, 48);
        var attention = AttentionMap.AtPatches(model, images);      // (5, 8, 12)
        attention /= attention.sum([1, 2], keepdim: true);
        for (var draw = 0; draw < 5; draw++)
        {
            var plan = Plan(new(), images, draw);
            foreach (var (i, image) in plan.Images.Index())
            {
                var kept = plan.Masks()[i, 0].reshape(8, 4, 12, 4).permute(0, 2, 1, 3).reshape(8, 12, 16);
                Assert.True(kept.amin([2]).equal(kept.amax([2])).all().ToBoolean(), "a patch was cut");
                var mask = kept.amin([2]);
                Assert.Equal((attention[i] * mask).sum().ToDouble(), image.Lambda, 1e-5);
                Assert.Equal((attention[image.Partner] * (1 - mask)).sum().ToDouble(), image.PartnerWeight, 1e-5);
                Assert.InRange(image.Lambda, 0, 1);
                Assert.InRange(image.PartnerWeight, 0, 1);
                Assert.NotEqual(i, image.Partner);
            }
            Assert.Equal(plan.Masks()[0].mean().ToDouble(), 1 - plan.ReplacedArea, 1e-6);
        }
    }

    [Fact]
    public void The_targets_have_no_negative_entry()
    {
        var batch = new Batch(randn(4, 3, 32, 32), arange(4));
        var mixed = new TokenMix().Mix(batch, new SeedStream(6).Open("mix"), model);
        foreach (var smoothing in (double[])[0, 0.1])
            Assert.True(mixed.Targets!.Soft(4, ScalarType.Float64, smoothing).ge(0).all().ToBoolean());
    }

    [Fact]
    public void The_network_is_left_unchanged()
    {
        var state = new ModelState(model);
        Plan(new(), randn(3, 3, 32, 32), 0);
        state.AssertUnchanged();
    }
}
