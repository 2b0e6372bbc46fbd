using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>
/// Base class of mixers that draw λ, usually from Beta(α, α), once per batch, per pair or per image, and find partners as
/// <see cref="Partners"/> says.
/// </summary>
public abstract record BetaMixer : Mixer
{
    /// <summary>
    /// Parameter of λ ~ Beta(α, α). Range: positive. Default 1, the uniform distribution, as in every experiment of the CutMix paper.
    /// </summary>
    public double Alpha { get; init => field = Options.Alpha(value); } = 1;

    /// <summary>
    /// Probability that a batch is mixed, or a pair or an image when <see cref="Scope"/> is one of these. Range [0, 1]. Default 1.
    /// </summary>
    public double Probability { get; init => field = Options.Probability(value); } = 1;

    /// <summary>Whether λ and region are drawn once per batch, per pair or per image. Default <see cref="Scope.Batch"/>.</summary>
    public Scope Scope { get; init; } = Scope.Batch;

    /// <summary>How partners are chosen. Default <see cref="Partners.Permutation"/>.</summary>
    public Partners Partners { get; init; } = Partners.Permutation;

    /// <inheritdoc/>
    public override double? LambdaAlpha => Alpha;

    /// <inheritdoc/>
    public override string? Contradiction => Scope == Scope.Pair && Partners == Partners.Roll ? Pairing.RolledPairs : null;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Facts => [.. LawFacts, .. DrawFacts];

    /// <summary>Facts about the distribution of λ and the weights of the labels. Default: α.</summary>
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
                yield return Partners == Partners.Reverse ? "b is the reversed batch" : "b is the previous row";
            if (Scope != Scope.Example)
                yield return $"drawn for each row here, once per {Scope.ToString().ToLowerInvariant()} in training";
        }
    }
}

/// <summary>What shares one draw of λ and region.</summary>
public enum Scope
{
    /// <summary>One λ and one region per batch.</summary>
    Batch,

    /// <summary>One λ and one region for two images that are each other's partners.</summary>
    Pair,

    /// <summary>A separate λ and region for every image.</summary>
    Example,
}

/// <summary>How the images of a batch are paired.</summary>
public enum Partners
{
    /// <summary>A random permutation; on average one image per batch is its own partner.</summary>
    Permutation,

    /// <summary>
    /// Every image with the next one in a random cyclic order: no image is its own partner, except in a batch of one.
    /// </summary>
    Derangement,

    /// <summary>The reversed batch: row i is paired with row N-1-i (timm).</summary>
    Reverse,

    /// <summary>The previous row; the first row is paired with the last (torchvision).</summary>
    Roll,
}
