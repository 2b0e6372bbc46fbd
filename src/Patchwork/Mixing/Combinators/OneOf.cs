using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>
/// Chooses one of several mixers for each batch, with weights: Mixup or CutMix, as in the training of vision transformers (timm's switch,
/// torchvision's RandomChoice). λ, scope and partners are those of the chosen mixer; <see cref="Probability"/> applies before the choice.
/// </summary>
public sealed record OneOf : Mixer
{
    /// <summary>Creates a choice of equally likely mixers.</summary>
    public OneOf(params Mixer[] mixers) : this([.. mixers.Select(mixer => new Choice(mixer, 1))]) { }

    /// <summary>Creates a choice of mixers with weights, any positive numbers.</summary>
    /// <exception cref="ArgumentException">There is no mixer, or a weight is not positive.</exception>
    public OneOf(IReadOnlyList<Choice> choices)
    {
        if (choices.Count == 0 || choices.Any(choice => !(choice.Weight > 0 && double.IsFinite(choice.Weight))))
            throw new ArgumentException($"There must be one or more mixers with positive weights. Received: "
                + $"{string.Join(", ", choices.Select(choice => FormattableString.Invariant($"{choice.Mixer.Id} {choice.Weight}")))}.");
        Choices = choices;
    }

    /// <summary>The mixers with their weights.</summary>
    public IReadOnlyList<Choice> Choices { get; internal init; }

    /// <summary>True if one of the mixers needs the batch of the step before.</summary>
    public bool IsRecursive => Parts.Any(mixer => mixer is IRecursiveMixer);

    /// <summary>Probability that a batch is mixed, drawn before a mixer is chosen. Range [0, 1]. Default 1.</summary>
    public double Probability { get; init => field = Options.Probability(value); } = 1;

    /// <inheritdoc/>
    public override string Id => string.Join("-or-", Choices.Select(choice => choice.Mixer.Id));

    internal override IEnumerable<Mixer> Parts => Choices.SelectMany(choice => choice.Mixer.Parts);

    /// <inheritdoc/>
    public override Needs Needs => Choices.Max(choice => choice.Mixer.Needs);

    /// <inheritdoc/>
    public override NetworkNeed NetworkNeed => Choices.Max(choice => choice.Mixer.NetworkNeed);

    /// <inheritdoc/>
    public override bool LabelsByArea => Choices.All(choice => choice.Mixer.LabelsByArea);

    /// <inheritdoc/>
    public override bool PlansBoxes => Choices.All(choice => choice.Mixer.PlansBoxes);

    /// <inheritdoc/>
    public override bool NeedsMasks => Choices.Any(choice => choice.Mixer.NeedsMasks);

    /// <inheritdoc/>
    public override string? Contradiction =>
        Choices.Select(choice => choice.Mixer.Contradiction).FirstOrDefault(reason => reason is not null);

    /// <inheritdoc/>
    public override Mixer ForEveryImage() =>
        new OneOf([.. Choices.Select(choice => choice with { Mixer = choice.Mixer.ForEveryImage() })]) { MinVisible = MinVisible };

    /// <summary>Returns the same choice with α set in every mixer and the probability set on the choice itself.</summary>
    public override Mixer WithStrengths(double? alpha, double? probability) => this with
    {
        Choices = [.. Choices.Select(choice => choice with { Mixer = choice.Mixer.WithStrengths(alpha, null) })],
        Probability = probability ?? Probability,
    };

    /// <inheritdoc/>
    public override MixPlan Plan(MixContext context)
    {
        var draws = context.Draws;
        if (!draws.Bernoulli(Probability))
            return MixPlan.Identity(Id, context.Count, context.Height, context.Width, draws.Id);
        var left = draws.Uniform() * Choices.Sum(choice => choice.Weight);
        foreach (var (mixer, weight) in Choices)
        {
            if (left < weight)
                return mixer.Plan(context);
            left -= weight;
        }
        return Choices[^1].Mixer.Plan(context);
    }
}

/// <summary>A mixer to choose from and its weight.</summary>
/// <param name="Mixer">The mixer.</param>
/// <param name="Weight">Its weight; only the proportion to the other weights matters. Range: positive.</param>
public sealed record Choice(Mixer Mixer, double Weight);
