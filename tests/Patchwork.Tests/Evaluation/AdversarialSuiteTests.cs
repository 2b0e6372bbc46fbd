using Patchwork.Evaluation;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Evaluation;

/// <summary>Laws of adversarial attacks.</summary>
[Collection(SerialCollection.Name)]
public sealed class AdversarialSuiteTests : IDisposable
{
    private readonly RandomPixels random = new();

    public void Dispose() => random.Dispose();

    [Theory, InlineData("fgsm"), InlineData("pgd")]
    public void An_attack_raises_the_loss_and_stays_within_epsilon_and_within_pixels(string id)
    {
        var attack = Attack.All.Single(attack => attack.Id == id) with { Epsilon = 0.05 };
        var attacked = attack.Of(random.Model, random.Pixels, random.Labels, random.Seeds, 0);
        Assert.InRange((attacked - random.Pixels).abs().max().ToDouble(), 0.049, 0.05 + 1e-6);
        Assert.InRange(attacked.min().ToDouble(), 0, 1);
        Assert.InRange(attacked.max().ToDouble(), 0, 1);
        Assert.True(Loss(attacked) > Loss(random.Pixels) + 0.01, $"{Loss(random.Pixels)} to {Loss(attacked)}");
        Assert.True(attacked.allclose(attack.Of(random.Model, random.Pixels, random.Labels, random.Seeds, 0), 0, 0));
    }

    [Fact]
    public void Fgsm_of_a_linear_network_matches_the_closed_form()
    {
        using var linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 16, 2));
        using var straight = new PixelModel(linear, random.Model.Normalization);
        var weight = linear.parameters().First();
        var zero = zeros(6, ScalarType.Int64);
        // The loss of class 0 grows along w₁ - w₀, whatever the image; the normalization's standard deviation is positive and changes
        // no sign.
        var expected = (random.Pixels + (weight[1] - weight[0]).sign().reshape(1, 3, 12, 16) * (8 / 255.0)).clamp(0, 1);
        Assert.True(expected.allclose(new Fgsm().Of(straight, random.Pixels, zero, random.Seeds, 0), 0, 1e-6));
    }

    [Fact]
    public void More_restarts_never_lower_the_loss_of_an_image()
    {
        Tensor Losses(int restarts)
        {
            var attacked = new Pgd { Restarts = restarts, Steps = 2 }.Of(random.Model, random.Pixels, random.Labels, random.Seeds, 0);
            return nn.functional.cross_entropy(random.Model.Logits(attacked), random.Labels, reduction: nn.Reduction.None);
        }
        Assert.True(Losses(4).ge(Losses(1) - 1e-6).all().ToBoolean());
    }

    // A linear network has no gradient to mask: with a larger ε both attacks move every image further across the boundary.
    [Fact]
    public void The_error_of_a_linear_network_rises_with_epsilon_from_the_clean_error()
    {
        using var linear = new LinearSubject();
        var clean = new CleanSuite().Measure(linear.Subject).Metrics["top1_error"].Value;
        var result = new AdversarialSuite { Epsilons = [0.5, 2, 30, 255] }.Measure(linear.Subject);
        foreach (var attack in new[] { "fgsm", "pgd" })
        {
            var curve = result.Tables[attack];
            Assert.Equal([0, 0.5, 2, 30, 255], curve.Select(row => row[0]));      // without 8, which is measured all the same
            Assert.Equal(clean, curve[0][1], 1e-12);
            Assert.All(curve.Zip(curve.Skip(1)), two => Assert.True(two.Second[1] >= two.First[1], $"{two.First[1]} {two.Second[1]}"));
            Assert.InRange(result.Metrics[$"{attack}_error"].Value, curve[2][1], curve[3][1]);
        }
        Assert.Equal(result.Metrics["fgsm_error"].Value,
            new AdversarialSuite().Measure(linear.Subject).Tables["fgsm"].Single(row => row[0] == 8)[1]);
    }

    [Theory, InlineData("1,1"), InlineData("2,1"), InlineData("0,1"), InlineData("256"), InlineData("a"), InlineData("")]
    public void Strengths_that_do_not_ascend_within_the_grey_levels_are_rejected(string text) =>
        Assert.Contains("`AdversarialSuite.Epsilons` must", Assert.Throws<InputException>(() =>
            new AdversarialSuite().Options.Single().Set(new AdversarialSuite(), text)).Message, StringComparison.Ordinal);

    private double Loss(Tensor images) => nn.functional.cross_entropy(random.Model.Logits(images), random.Labels).ToDouble();
}
