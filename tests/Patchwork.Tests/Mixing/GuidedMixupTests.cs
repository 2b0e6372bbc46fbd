using CsCheck;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Saliency;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class GuidedMixupTests
{
    private static MixPlan Plan(GuidedMixup mixer, Tensor images, int draw = 0) =>
        mixer.Plan(MixContext.Of(images, new SeedStream(3).Open("mix", 0, draw)));

    [Fact]
    public void Each_pixel_is_weighed_by_its_saliency_in_the_two_images()
    {
        using var scope = NewDisposeScope();
        new SeedStream(8).SeedTorch("pictures");
        var images = rand(6, 3, 18, 24);
        var maps = SpectralResidual.Of(images);
        foreach (var (i, image) in Plan(new(), images).Images.Index())
        {
            var expected = maps[i] / (maps[i] + maps[image.Partner]);
            var weights = tensor(((MaskRegion)image.Region).Weights).reshape(18, 24);
            Assert.True(weights.allclose(expected, 1e-5, 1e-6));
            Assert.Equal(expected.mean().ToDouble(), image.Lambda, 1e-5);
        }
    }

    [Fact]
    public void Equal_images_have_equal_weights()
    {
        using var scope = NewDisposeScope();
        var same = rand(1, 3, 16, 16).expand(4, 3, 16, 16).contiguous();
        Assert.All(Plan(new(), same).Images, image => Assert.Equal(0.5, image.Lambda, 1e-6));
        Assert.All(Plan(new(), full([3, 1, 8, 8], 0.4)).Images, image => Assert.Equal(0.5, image.Lambda, 1e-6));      // nothing is salient
    }

    [Theory, InlineData(GuidedPairing.Greedy), InlineData(GuidedPairing.Random)]
    public void The_pairing_is_one_cycle_over_the_batch(GuidedPairing pairing)
    {
        using var scope = NewDisposeScope();
        for (var count = 1; count < 12; count++)
        {
            new SeedStream((ulong)count).SeedTorch("pictures");
            var partners = Plan(new() { Pairing = pairing }, rand(count, 1, 10, 12), count).Partners();
            var (seen, at) = (new HashSet<int>(), 0);
            while (seen.Add(at))
                at = partners[at];
            Assert.Equal((0, count), (at, seen.Count));
        }
    }

    [Fact]
    public void The_greedy_walk_starts_at_the_farthest_pair_and_goes_to_the_farthest_that_is_left() =>
        Gen.Int[2, 9].SelectMany(count => Gen.Double[0, 1].Array[count * count].Select(values => (count, values))).Sample(one =>
        {
            var (count, values) = one;
            var distances = new float[count * count];
            for (var i = 0; i < count; i++)
                for (var j = 0; j < i; j++)
                    distances[i * count + j] = distances[j * count + i] = (float)values[i * count + j];
            var next = GuidedMixup.Farthest(distances, count);
            var start = Enumerable.Range(0, count).First(i => distances[i * count + next[i]] == distances.Max());
            var left = Enumerable.Range(0, count).Where(i => i != start).ToHashSet();
            for (var at = start; left.Count > 0; at = next[at])
            {
                Assert.Equal(left.Max(other => distances[at * count + other]), distances[at * count + next[at]]);
                Assert.True(left.Remove(next[at]));
            }
        });
}
