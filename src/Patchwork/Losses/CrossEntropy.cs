using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Losses;

/// <summary>Cross entropy of softmax(logits) with class ids or distributions, <c>-Σ y·log softmax(z)</c>.</summary>
public sealed record CrossEntropy : Loss
{
    /// <summary>ε of label smoothing: targets become (1-ε)·y + ε/K. Range [0, 1). Default 0.</summary>
    public double LabelSmoothing
    {
        get;
        init => field = value is >= 0 and < 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"label smoothing must lie in [0, 1). Received: label smoothing = {value}.");
    }

    /// <inheritdoc/>
    public override Tensor PerSample(Tensor logits, Tensor targets)
    {
        var fits = logits.dim() == 2 && targets.dim() > 0 && targets.size(0) == logits.size(0)
            && (targets.dim() == 1
                ? targets.dtype == ScalarType.Int64
                : targets.dim() == 2 && targets.size(1) == logits.size(1) && targets.dtype == logits.dtype);
        if (!fits)
            throw new ArgumentException("logits must be (N, K), targets int64 (N) or (N, K) of the logits' type. " +
                $"Received: logits {logits.dtype} ({string.Join(", ", logits.shape)}), targets {targets.dtype} ({string.Join(", ", targets.shape)}).");
        return nn.functional.cross_entropy(logits, targets, reduction: nn.Reduction.None, label_smoothing: LabelSmoothing);
    }
}
