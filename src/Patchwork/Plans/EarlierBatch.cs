using static TorchSharp.torch;

namespace Patchwork.Plans;

/// <summary>The mixed batch of the step before, which an <see cref="IRecursiveMixer"/> mixes with. It owns its tensors.</summary>
/// <param name="Images">Its images as the network saw them, (M, C, H, W).</param>
/// <param name="Labels">Its mixed labels, distributions (M, K).</param>
/// <param name="Logits">What the network answered, (M, K), without gradient.</param>
public sealed record EarlierBatch(Tensor Images, Tensor Labels, Tensor Logits) : IDisposable
{
    /// <summary>Copies a batch, mixed or not, and the logits of its forward pass. The caller owns the result.</summary>
    public static EarlierBatch Of(Batch batch, Tensor logits)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var kept = logits.detach().to(ScalarType.Float32, copy: true);
        // Labels that are weighed separately need not sum to 1.
        var labels = batch.Targets is { } targets ? nn.functional.normalize(targets.Soft((int)logits.size(1)), p: 1, dim: 1)
            : Distributions(batch.Labels, logits.size(1)).clone();
        return new(batch.Images.detach().clone().DetachFromDisposeScope(), labels.DetachFromDisposeScope(), kept.DetachFromDisposeScope());
    }

    /// <summary>M, the number of images.</summary>
    public int Count => (int)Images.size(0);

    /// <inheritdoc/>
    public void Dispose()
    {
        Images.Dispose();
        Labels.Dispose();
        Logits.Dispose();
    }

    /// <summary>Labels as distributions over the same classes, (N, K), float32, owned by the caller's dispose scope.</summary>
    internal Tensor Distributions(Tensor labels) => Distributions(labels, Labels.size(1));

    private static Tensor Distributions(Tensor labels, long classes) =>
        labels.dim() == 2 ? labels.to(ScalarType.Float32) : nn.functional.one_hot(labels, classes).to(ScalarType.Float32);
}
