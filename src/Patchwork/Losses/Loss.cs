using static TorchSharp.torch;

namespace Patchwork.Losses;

/// <summary>How per-sample losses become one.</summary>
public enum Reduction
{
    /// <summary>Not at all: (N).</summary>
    None,

    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>Their sum.</summary>
    Sum,
}

/// <summary>A loss that is known sample by sample, so that mixed targets can weight it before it is reduced.</summary>
public abstract record Loss
{
    /// <summary>How the samples' losses become one. Default <see cref="Reduction.Mean"/>.</summary>
    public Reduction Reduction { get; init; } = Reduction.Mean;

    /// <summary>The loss of each sample, (N).</summary>
    /// <param name="logits">Logits (N, K).</param>
    /// <param name="targets">Class ids (N), int64, or distributions (N, K).</param>
    public abstract Tensor PerSample(Tensor logits, Tensor targets);

    /// <summary>Per-sample losses (N), reduced.</summary>
    public Tensor Reduce(Tensor perSample) => Reduction switch
    {
        Reduction.None => perSample,
        Reduction.Mean => perSample.mean(),
        _ => perSample.sum(),
    };

    /// <summary>The loss of a batch, reduced.</summary>
    public Tensor Evaluate(Tensor logits, Tensor targets) => Reduce(PerSample(logits, targets));
}
