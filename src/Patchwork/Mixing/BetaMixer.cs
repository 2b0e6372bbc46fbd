using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>
/// A mixer that draws λ by a law of its own, usually Beta(α, α): for a batch, a pair or an image, with partners found in one of a few
/// ways.
/// </summary>
public abstract record BetaMixer : Mixer
{
    /// <summary>
    /// Parameter of λ ~ Beta(α, α). Range: positive. Default 1, the uniform law, as in every experiment of the CutMix paper.
    /// </summary>
    public double Alpha { get; init => field = Options.Alpha(value); } = 1;

    /// <summary>Chance that a batch is mixed (an image, with <see cref="Scope.Example"/>). Range [0, 1]. Default 1.</summary>
    public double Probability { get; init => field = Options.Probability(value); } = 1;

    /// <summary>Whether λ and region are drawn once a batch or once an image. Default <see cref="Scope.Batch"/>.</summary>
    public Scope Scope { get; init; } = Scope.Batch;

    /// <summary>How partners are found. Default <see cref="Partners.Permutation"/>.</summary>
    public Partners Partners { get; init; } = Partners.Permutation;

    /// <inheritdoc/>
    public override double? LambdaAlpha => Alpha;

    /// <inheritdoc/>
    public override string? Contradiction => Scope == Scope.Pair && Partners == Partners.Roll ? Pairing.RolledPairs : null;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Facts => [.. LawFacts, .. DrawFacts];

    /// <summary>What is to be said about the law of λ and the weight of the labels. Default: α.</summary>
    protected virtual IReadOnlyList<string> LawFacts => [FormattableString.Invariant($"α {Alpha}")];

    /// <inheritdoc/>
    public override Mixer WithStrengths(double? alpha, double? probability) =>
        this with { Alpha = alpha ?? Alpha, Probability = probability ?? Probability };

    /// <inheritdoc/>
    public override Mixer ForEveryImage() => this with
    {
        Scope = Scope.Example,
        Partners = Partners is Partners.Reverse or Partners.Roll ? Partners : Partners.Derangement,
        Probability = 1,
    };

    private IEnumerable<string> DrawFacts
    {
        get
        {
            if (Partners is Partners.Reverse or Partners.Roll)
                yield return Partners == Partners.Reverse ? "b is the batch read backwards" : "b is the row before";
            if (Scope != Scope.Example)
                yield return $"drawn for each row here, once a {Scope.ToString().ToLowerInvariant()} in training";
        }
    }
}

/// <summary>What one draw is for.</summary>
public enum Scope
{
    /// <summary>One λ and one region a batch.</summary>
    Batch,

    /// <summary>One λ and one region for two images that are each other's partners.</summary>
    Pair,

    /// <summary>A λ and a region of its own for every image.</summary>
    Example,
}

/// <summary>How the images of a batch are paired.</summary>
public enum Partners
{
    /// <summary>A random permutation; on average one image a batch is its own partner.</summary>
    Permutation,

    /// <summary>Every image with the next one in a random cyclic order: no image is its own partner (unless it is alone).</summary>
    Derangement,

    /// <summary>The batch read backwards: i with N-1-i (timm).</summary>
    Reverse,

    /// <summary>The row before, the first with the last (torchvision).</summary>
    Roll,
}
