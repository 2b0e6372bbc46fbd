using Patchwork.Losses;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Losses;

public sealed class ClassWeightingTests
{
    // The weights of scikit-learn's compute_class_weight("balanced") for 10, 30 and 60 images.
    [Fact]
    public void Balanced_weights_match_scikit_learn()
    {
        var weights = ClassWeighting.Balanced([10, 30, 60]);
        Assert.Equal([100 / 30.0, 100 / 90.0, 100 / 180.0], weights);
        Assert.Equal(100, 10 * weights[0] + 30 * weights[1] + 60 * weights[2], 1e-9);
    }

    [Fact]
    public void Effective_weights_range_from_uniform_to_inverse_frequency()
    {
        Assert.All(ClassWeighting.Effective([1, 50, 1000], 0), weight => Assert.Equal(1, weight, 1e-12));
        var inverse = ClassWeighting.Effective([10, 40], 0.9999999);
        Assert.Equal(4, inverse[0] / inverse[1], 1e-3);
        var middle = ClassWeighting.Effective([10, 40], 0.99);
        Assert.InRange(middle[0] / middle[1], 1, 4);
        Assert.Equal((1 - Math.Pow(0.99, 40)) / (1 - Math.Pow(0.99, 10)), middle[0] / middle[1], 1e-9);      // eq. 3 of the paper
        Assert.Equal(2, middle.Sum(), 1e-12);
        Assert.Throws<ArgumentOutOfRangeException>(() => ClassWeighting.Effective([1, 2], 1));
        Assert.Throws<ArgumentException>(() => ClassWeighting.Balanced([3, 0]));
    }

    // Lin et al. 2017, eq. 5: eq. 4 times the α of the class. With γ = 0 it is weighted cross entropy, divided by N.
    [Fact]
    public void Weighted_focal_loss_with_gamma_0_is_weighted_cross_entropy()
    {
        using var scope = NewDisposeScope();
        var logits = tensor([1.0f, -2, 0.5f, 0, 3, -1, 0.2f, 0.1f, 2], [3, 3]);
        double[] weights = [0.5, 2, 1];
        var focal = new Focal { Gamma = 0, ClassWeights = weights };
        var entropy = new CrossEntropy { ClassWeights = weights, DivideByWeights = false };
        var labels = tensor([2L, 0, 1]);
        Assert.Equal(entropy.Evaluate(logits, labels).ToSingle(), focal.Evaluate(logits, labels).ToSingle(), 1e-6);
        var soft = tensor([0.2f, 0.8f, 0, 1, 0, 0, 0.5f, 0.25f, 0.25f], [3, 3]);
        Assert.Equal(entropy.Evaluate(logits, soft).ToSingle(), focal.Evaluate(logits, soft).ToSingle(), 1e-6);
        Assert.True(entropy.IsLinear);
    }
}
