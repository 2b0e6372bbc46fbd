using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Evaluation;

/// <summary>Laws of attacks, occlusions, pairs and drawn images.</summary>
[Collection(SerialCollection.Name)]
public sealed class RobustnessTests : IDisposable
{
    private static readonly SeedStream Seeds = new(3);
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly nn.Module<Tensor, Tensor> network;
    private readonly PixelModel model;
    private readonly Tensor pixels, labels;

    public RobustnessTests()
    {
        Seeds.SeedTorch("test");
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 10 * 14, 3));
        model = new PixelModel(network, new Normalization([0.5f, 0.4f, 0.3f], [0.2f, 0.3f, 0.25f]));
        (pixels, labels) = (rand(6, 3, 12, 16), randint(3, [6]));
    }

    public void Dispose()
    {
        model.Dispose();
        network.Dispose();
        scope.Dispose();
    }

    [Theory, InlineData("fgsm"), InlineData("pgd")]
    public void An_attack_raises_the_loss_and_stays_within_epsilon_and_within_pixels(string id)
    {
        var attack = Attack.All.Single(attack => attack.Id == id) with { Epsilon = 0.05 };
        var attacked = attack.Of(model, pixels, labels, Seeds, 0);
        Assert.InRange((attacked - pixels).abs().max().ToDouble(), 0.049, 0.05 + 1e-6);
        Assert.InRange(attacked.min().ToDouble(), 0, 1);
        Assert.InRange(attacked.max().ToDouble(), 0, 1);
        Assert.True(Loss(attacked) > Loss(pixels) + 0.01, $"{Loss(pixels)} to {Loss(attacked)}");
        Assert.True(attacked.allclose(attack.Of(model, pixels, labels, Seeds, 0), 0, 0));
    }

    [Fact]
    public void Fgsm_of_a_linear_network_is_the_closed_form()
    {
        using var linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 16, 2));
        using var straight = new PixelModel(linear, model.Normalization);
        var weight = linear.parameters().First();
        var zero = zeros(6, ScalarType.Int64);
        // The loss of class 0 grows along w₁ - w₀, whatever the image; the normalization's deviation is positive and changes no sign.
        var expected = (pixels + (weight[1] - weight[0]).sign().reshape(1, 3, 12, 16) * (8 / 255.0)).clamp(0, 1);
        Assert.True(expected.allclose(new Fgsm().Of(straight, pixels, zero, Seeds, 0), 0, 1e-6));
    }

    [Fact]
    public void More_starts_never_lower_the_loss_of_an_image()
    {
        Tensor Losses(int restarts) => nn.functional.cross_entropy(model.Logits(new Pgd { Restarts = restarts, Steps = 2 }.Of(model, pixels, labels, Seeds, 0)), labels, reduction: nn.Reduction.None);
        Assert.True(Losses(4).ge(Losses(1) - 1e-6).all().ToBoolean());
    }

    [Fact]
    public void Measuring_leaves_no_gradient_and_no_tensor_behind()
    {
        void Round()
        {
            using var each = NewDisposeScope();
            foreach (var attack in Attack.All)
                attack.Of(model, pixels, labels, Seeds, 0);
            foreach (var score in OutScore.All)
                score.Of(model, pixels, model.Logits(pixels));
            foreach (var kind in Occlusion.All)
                kind.Of(pixels, 4, model.Normalization);
        }
        Round();
        var before = LiveTensors.Settled();
        Round();
        Assert.Equal(before, Tensor.TotalCount);
        Assert.All(network.parameters(), parameter => Assert.True(parameter.grad is null));
    }

    [Fact]
    public void Occlusion_covers_exactly_its_part()
    {
        foreach (var kind in Occlusion.All)
        {
            foreach (var size in Occlusion.Sizes(12, 16))
            {
                var covered = kind.Of(pixels, size, model.Normalization);
                var colour = kind.Fill == OcclusionFill.Black ? zeros(3) : tensor(model.Normalization.Mean.ToArray());
                var changed = covered.ne(pixels).any(1);      // (N, H, W)
                var square = zeros(12, 16, ScalarType.Bool);
                square[TensorIndex.Slice((12 - size) / 2, (12 - size) / 2 + size), TensorIndex.Slice((16 - size) / 2, (16 - size) / 2 + size)] = tensor(true);
                var expected = kind.Place == OcclusionPlace.Centre ? square : square.logical_not();
                Assert.True(changed.eq(expected).all().ToBoolean(), $"{kind.Id} {size}");
                Assert.True(covered.where(expected, colour.reshape(1, 3, 1, 1)).eq(colour.reshape(1, 3, 1, 1)).all().ToBoolean());
            }
        }
        Assert.Equal(Enumerable.Range(0, 17).Select(i => 2 * i), Occlusion.Sizes(32, 32));
    }

    [Fact]
    public void Between_two_images_lie_both_ends()
    {
        var other = rand(6, 3, 12, 16);
        Assert.True(InBetween.Blend(pixels, other, 1).allclose(pixels) && InBetween.Blend(pixels, other, 0).allclose(other));
        Assert.Equal(6 * 3 * 25, InBetween.Paste(pixels, other, 5).ne(pixels).sum().ToInt64());
        Assert.Equal([false, true, false], InBetween.Errors(tensor(new float[] { 9, 0, 0, 0, 9, 0, 0, 0, 9 }).reshape(3, 3), tensor(new long[] { 0, 0, 1 }), tensor(new long[] { 1, 2, 2 })).data<bool>().ToArray());
    }

    [Fact]
    public void Drawn_images_follow_their_laws_and_their_seed()
    {
        var like = new NoiseImages(height: 32, width: 32);
        byte[] Pixels(string id, ulong seed = 0)
        {
            var set = OutSet.Draw(id, like, 40, new SeedStream(seed));
            return [.. Enumerable.Range(0, set.Count).SelectMany(i => set.Read(i, new byte[set.ImageBytes]).ToArray())];
        }
        var count = 40.0 * 3 * 32 * 32;
        Assert.InRange(Pixels("uniform").Average(value => value / 255.0), 0.495, 0.505);
        Assert.All(Pixels("rademacher"), value => Assert.True(value is 0 or 255));
        // P(N + 0.5 <= 0) = Φ(-0.5) = 0.3085: so much is black.
        Assert.InRange(Pixels("gaussian").Count(value => value == 0) / count, 0.300, 0.317);
        Assert.All(Pixels("blobs"), value => Assert.True(value == 0 || value >= 191));
        Assert.InRange(Pixels("blobs").Count(value => value > 0) / count, 0.05, 0.5);
        foreach (var id in OutSet.Drawn)
        {
            Assert.Equal(Pixels(id), Pixels(id));
            Assert.NotEqual(Pixels(id), Pixels(id, 1));
        }
    }

    private double Loss(Tensor images) => nn.functional.cross_entropy(model.Logits(images), labels).ToDouble();
}
