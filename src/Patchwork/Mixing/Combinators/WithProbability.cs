using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>
/// Applies a mixer to a share of the batches: with probability <see cref="Probability"/> the batch is mixed exactly as by the mixer alone,
/// otherwise it is not mixed. A mixer's own probability applies to each image or pair when its scope is images or pairs; this one applies
/// to the batch, whatever the scope.
/// </summary>
/// <example><code>
/// new WithProbability(new CutMix { Scope = Scope.Example }, 0.5)      // half of the batches; in these, every image gets its own box
/// </code></example>
public sealed record WithProbability : Mixer
{
    /// <summary>Wraps a mixer with the probability that a batch is mixed, 0 to 1.</summary>
    /// <exception cref="ArgumentException">
    /// The probability is outside [0, 1], or the mixer is already a <see cref="WithProbability"/>.
    /// </exception>
    public WithProbability(Mixer mixer, double probability)
    {
        if (mixer is WithProbability)
            throw new ArgumentException("The probability that a batch is mixed can be set only once. Received: a mixer that already has "
                + "one. Multiply the two probabilities.");
        (Mixer, Probability) = (mixer, probability);
    }

    /// <summary>The mixer.</summary>
    public Mixer Mixer { get; private init; }

    /// <summary>Probability that a batch is mixed. Range [0, 1].</summary>
    public double Probability { get; init => field = Options.Probability(value); }

    /// <inheritdoc/>
    public override string Id => Mixer.Id;

    internal override IEnumerable<Mixer> Parts => Mixer.Parts;

    /// <inheritdoc/>
    public override Needs Needs => Mixer.Needs;

    /// <inheritdoc/>
    public override NetworkNeed NetworkNeed => Mixer.NetworkNeed;

    /// <inheritdoc/>
    public override bool PlansBoxes => Mixer.PlansBoxes;

    /// <inheritdoc/>
    public override bool LabelsByArea => Mixer.LabelsByArea;

    /// <inheritdoc/>
    public override bool NeedsMasks => Mixer.NeedsMasks;

    /// <inheritdoc/>
    public override double? LambdaAlpha => Mixer.LambdaAlpha;

    /// <inheritdoc/>
    public override string? Contradiction => Mixer.Contradiction;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Facts => Mixer.Facts;

    /// <inheritdoc/>
    public override Mixer ForEveryImage() => Mixer.ForEveryImage();

    /// <summary>Returns the same method with another α of the mixer or another probability of the batch.</summary>
    public override Mixer WithStrengths(double? alpha, double? probability) =>
        this with { Mixer = Mixer.WithStrengths(alpha, null), Probability = probability ?? Probability };

    /// <inheritdoc/>
    public override MixPlan Plan(MixContext context)
    {
        // A separate stream, so that a mixed batch is mixed exactly as it would be by the mixer alone.
        var stream = context.Draws.Id;
        var coin = new Draws(stream with { Purpose = $"{stream.Purpose}/chance of {Id}" });
        return coin.Bernoulli(Probability) ? Mixer.Plan(context)
            : MixPlan.Identity(Id, context.Count, context.Height, context.Width, stream);
    }
}
