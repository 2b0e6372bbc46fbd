using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// AutoMix (Liu et al., "AutoMix: Unveiling the Power of Mixup for Stronger Classifiers", ECCV 2022, arXiv 2103.13027): a small network
/// learns the masks while the classifier is trained (<see cref="MaskNetwork"/>), <c>x = M⊙x_a + (1-M)⊙x_b</c>, λ ~ Beta(α, α),
/// <c>y = λ·y_a + (1-λ)·y_b</c>. To the classifier M is a constant, so that AutoMix is a mixer like others; gradients reach the masks only
/// in a second forward pass, through a slowly moving average of the classifier.
/// </summary>
/// <example><code>
/// using var masks = new AutoMix().CreateMasks(model);
/// var mixed = new CleanHalf(automix).Mix(batch, draws, masks);
/// using var seen = masks.See(batch.Images);
/// using var loss = masks.Loss(seen, batch.Labels, new CrossEntropy(), draws);              // for an optimizer of masks.Block
/// masks.Follow(model);                                                                     // after the optimizer's step
/// </code></example>
public sealed record AutoMix : BetaMixer, ITrainedMixer
{
    /// <summary>Creates AutoMix with α = 2, as in the paper.</summary>
    public AutoMix() => Alpha = 2;

    /// <summary>
    /// The stage of the classifier from whose features the masks are computed, counted from 1. Range: at least 1. Default 2.
    /// </summary>
    public int MaskStage
    {
        get;
        init => field = value >= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"mask stage must be at least 1. Received: {value}.");
    } = 2;

    /// <summary>Share of its weights that the moving average keeps in a step. Range [0, 1]. Default 0.999.</summary>
    public double Momentum { get; init => field = Options.Share(value, "momentum"); } = 0.999;

    /// <summary>Weight of the loss that keeps the mean of M near λ. Range: 0 or more. Default 0.1.</summary>
    public double AreaWeight
    {
        get;
        init => field = value >= 0 && double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"area weight must be 0 or more. Received: {value}."));
    } = 0.1;

    /// <summary>How far the mean of M may be from λ without a loss. Range [0, 1]. Default 0.1.</summary>
    public double AreaMargin { get; init => field = Options.Share(value, "area margin"); } = 0.1;

    /// <summary>Adam's learning rate for the masks, scaled like that of the classifier. Range: positive. Default 0.001.</summary>
    public double MaskRate
    {
        get;
        init => field = value > 0 && double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"mask rate must be positive. Received: {value}."));
    } = 0.001;

    /// <inheritdoc/>
    public bool TrainsOnCleanImages { get; init; } = true;

    /// <inheritdoc/>
    public override string Id => "automix";

    /// <inheritdoc/>
    public override Needs Needs => Needs.Model;

    /// <inheritdoc/>
    public override NetworkNeed NetworkNeed => NetworkNeed.FeatureMaps;

    /// <inheritdoc/>
    public override bool LabelsByArea => false;      // the mean of M is only trained to be near λ

    /// <inheritdoc/>
    public MaskNetwork CreateMasks(ImageClassifier classifier) =>
        new(new MaskSettings(MaskStage, Alpha, Momentum, AreaWeight, AreaMargin), classifier);

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The context has no mask network.</exception>
    public override MixPlan Plan(MixContext context)
    {
        var source = context.Masks ?? throw new InvalidOperationException($"{Id} needs a mask network to plan. Received: a context "
            + "without one. Create it with CreateMasks.");
        var (height, width) = (context.Height, context.Width);
        var (partners, drawn) = Dice.Throw(this, context, _ => Alpha, alpha => new Drawn(context.Draws.Beta(alpha, alpha)));
        var plans = partners.Select((_, i) => Dice.Unmixed(i)).ToArray();
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        int[] mixed = [.. Enumerable.Range(0, plans.Length).Where(i => drawn[i] is not null && partners[i] != i)];
        if (mixed.Length > 0)
        {
            var masks = source.Masks(context.Pixels(Id), partners, [.. drawn.Select(one => one?.Lambda ?? 1)]).to(ScalarType.Float32).cpu()
                .contiguous().data<float>().ToArray();
            foreach (var i in mixed)
            {
                var (region, lambda) = (new MaskRegion(masks.AsSpan(i * height * width, height * width).ToArray()), drawn[i]!.Lambda);
                plans[i] = new ImagePlan(partners[i], region, lambda, lambda);
            }
        }
        return new MixPlan(Id, height, width, plans, context.Draws.Id);
    }

    private sealed record Drawn(double Lambda);
}
