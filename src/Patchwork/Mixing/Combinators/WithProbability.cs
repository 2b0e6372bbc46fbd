using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>
/// Any mixer on a share of the batches: with chance <see cref="Probability"/> the batch is mixed as by the mixer alone, otherwise it stays
/// as it is. A mixer's own probability is the chance of an image or a pair where these are its scope; this is the chance of the batch in
/// every scope.
/// </summary>
/// <example><code>
/// new WithProbability(new CutMix { Scope = Scope.Example }, 0.5)      // half of the batches, in them every image with a box of its own
/// </code></example>
public sealed record WithProbability : Mixer
{
    /// <summary>A mixer with the chance that a batch is mixed, 0 to 1.</summary>
    /// <exception cref="ArgumentException">The chance lies outside [0, 1], or the mixer is one with a chance already.</exception>
    public WithProbability(Mixer mixer, double probability)
    {
        if (mixer is WithProbability)
            throw new ArgumentException("A batch's chance of being mixed is set once. Received: a mixer with a chance already. Multiply "
                + "the two.");
        (Mixer, Probability) = (mixer, probability);
    }

    /// <summary>The mixer.</summary>
    public Mixer Mixer { get; private init; }

    /// <summary>Chance that a batch is mixed. Range [0, 1].</summary>
    public double Probability { get; init => field = Options.Probability(value); }

    /// <inheritdoc/>
    public override string Id => Mixer.Id;

    /// <inheritdoc/>
    public override Needs Needs => Mixer.Needs;

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

    /// <summary>The same with another α of the mixer, or another chance of the batch.</summary>
    public override Mixer WithStrengths(double? alpha, double? probability) =>
        this with { Mixer = Mixer.WithStrengths(alpha, null), Probability = probability ?? Probability };

    /// <inheritdoc/>
    public override MixPlan Plan(MixContext context)
    {
        // A stream of its own beside the plan's, so that a batch which is mixed is mixed as it would be without a chance.
        var stream = context.Draws.Id;
        var coin = new Draws(stream with { Purpose = $"{stream.Purpose}/chance of {Id}" });
        return coin.Bernoulli(Probability) ? Mixer.Plan(context)
            : MixPlan.Identity(Id, context.Count, context.Height, context.Width, stream);
    }
}
