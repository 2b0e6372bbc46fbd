using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class MixupTests
{
    private static MixPlan Blend(double lambda, int height, int width) =>
        new("mixup", height, width, [new(1, new BlendRegion(lambda), lambda, lambda), new(0, new BlendRegion(lambda), lambda, lambda)],
            default);

    [Fact]
    public void Images_are_blended_and_stay_within_the_range_of_the_two()
    {
        using var scope = NewDisposeScope();
        var images = randn(2, 3, 5, 7);
        var mixed = new Mixup().Apply(images, Blend(0.3, 5, 7));
        Assert.True(mixed.allclose(0.3 * images + 0.7 * images.flip(0), 1e-6, 1e-6));
        Assert.True((mixed.le(images.amax([0]) + 1e-6) & mixed.ge(images.amin([0]) - 1e-6)).all().ToBoolean());
        // Mixup is linear in the images.
        Assert.True(new Mixup().Apply(2 * images + 1, Blend(0.3, 5, 7)).allclose(2 * mixed + 1, 1e-5, 1e-5));
    }

    [Fact]
    public void Lambda_1_leaves_the_image_bit_identical()
    {
        using var scope = NewDisposeScope();
        var images = randn(2, 3, 5, 7);
        Assert.False(new Mixup().Apply(images, Blend(1, 5, 7)).ne(images).any().ToBoolean());
    }

    [Fact]
    public void Bytes_are_rounded_to_the_nearest_level()
    {
        using var scope = NewDisposeScope();
        var images = tensor(new byte[] { 0, 100, 255, 10, 103, 0 }, [2, 1, 1, 3]);
        var mixed = new Mixup().Apply(images, Blend(0.25, 1, 3));
        // The exact values are 7.5, 102.25, 63.75, 2.5, 100.75 and 191.25; ties are rounded to even.
        Assert.Equal([8, 102, 64, 2, 101, 191], mixed.data<byte>().ToArray());
    }

    // Var λ of Beta(α, α) = 1 / (4(2α + 1)).
    [Theory, InlineData(0.2), InlineData(1), InlineData(4)]
    public void Lambda_has_the_moments_of_its_distribution(double alpha)
    {
        var lambdas = Enumerable.Range(0, 20_000)
            .Select(i => new Mixup { Alpha = alpha }.Plan(new MixContext(1, 1, 1, new SeedStream(3).Open("mix", 0, i))).Images[0].Lambda)
            .ToArray();
        var variance = 1 / (4 * (2 * alpha + 1));
        Assert.Equal(0.5, lambdas.Average(), 4 * Math.Sqrt(variance / lambdas.Length));
        Assert.Equal(variance, lambdas.Average(lambda => (lambda - 0.5) * (lambda - 0.5)), 0.004);
        Assert.All(Enumerable.Range(0, 200),
            i => Assert.InRange(new Mixup
            {
                Fold =
            true
            }.Plan(new MixContext(1, 1, 1, new SeedStream(3).Open("mix", 0, i))).Images[0].Lambda, 0.5, 1));
    }

    // vectors/mix_targets.json, fastai_mixup_input: folded λ, one per sample.
    [Fact]
    public void Mixed_inputs_match_fastai()
    {
        using var scope = NewDisposeScope();
        using var recorded = Vectors.Open("mix_targets.json");
        foreach (var one in recorded.RootElement.GetProperty("fastai_mixup_input").EnumerateArray())
        {
            var (lambdas, partners) = (one.GetProperty("lambda_used").Numbers(), one.GetProperty("partners").Numbers());
            Tensor Images(string key) =>
                tensor(one.GetProperty(key).Numbers(), dtype: ScalarType.Float32).reshape(lambdas.Length, 1, 1, -1);
            var images = Images("x");
            var plan = new MixPlan("mixup", 1, (int)images.size(3),
                [.. lambdas.Select((lambda, i) => new ImagePlan((int)partners[i], new BlendRegion(lambda), lambda, lambda))], default);
            Assert.True(new Mixup().Apply(images, plan).allclose(Images("mixed"), 2e-6, 2e-6));
        }
    }
}
