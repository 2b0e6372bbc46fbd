using System.Diagnostics.CodeAnalysis;
using Patchwork.Plans;
using Patchwork.Randomness;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// A method that mixes the pixels of two samples: <c>x = M⊙x_a + (1-M)⊙x_b</c>, <c>y = λ·y_a + (1-λ)·y_b</c>. <see cref="Plan"/> makes
/// every random draw and writes nothing; <see cref="Apply"/> and <see cref="ApplyInPlace"/> move pixels by a plan and draw nothing.
/// </summary>
public abstract record Mixer : IPlanner, IMethod
{
    /// <summary>
    /// Share of an object's area that must still show for it to be kept among a mixed batch's objects. Range [0, 1]. Default 0.1.
    /// </summary>
    public double MinVisible { get; init => field = Options.Share(value, "least visible share"); } = 0.1;

    /// <inheritdoc/>
    public abstract string Id { get; }

    /// <inheritdoc/>
    public virtual Needs Needs => Needs.Nothing;

    /// <inheritdoc/>
    public virtual bool PlansBoxes => false;

    /// <summary>
    /// True when λ of the label is the share of the pixels that were kept; false for methods and options that weigh labels otherwise.
    /// </summary>
    public virtual bool LabelsByArea => true;

    /// <summary>
    /// True when planning needs the masks of the objects in the images (<see cref="MixContext.ObjectMask"/>). Default false.
    /// </summary>
    public virtual bool NeedsMasks => false;

    /// <summary>α where λ is drawn from Beta(α, α); null where it follows another law. Default null.</summary>
    public virtual double? LambdaAlpha => null;

    /// <summary>
    /// Why options of this value contradict each other, as one sentence with its remedy; null where they do not. Default null.
    /// </summary>
    public virtual string? Contradiction => null;

    /// <summary>What the options say about its draws that cannot be seen in a mixed image, in a few words each. Default: nothing.</summary>
    public virtual IReadOnlyList<string> Facts => [];

    /// <inheritdoc/>
    public abstract MixPlan Plan(MixContext context);

    /// <summary>
    /// The same method with another α or probability; null leaves it as it is. Default: the method as it is, for one that has neither.
    /// </summary>
    public virtual Mixer WithStrengths(double? alpha, double? probability) => this;

    /// <summary>
    /// The same method for showing it: every image is mixed with another one, by a draw of its own, as far as the method can do that.
    /// Default: the method as it is.
    /// </summary>
    public virtual Mixer ForEveryImage() => this;

    /// <summary>Plans and mixes in one call. The batch is left as it was; the new images and targets belong to the caller.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="draws">The stream to throw the dice with.</param>
    /// <param name="model">The network, for methods that plan by what it looks at (<see cref="Needs.Model"/>); it is left as it
    /// was.</param>
    /// <exception cref="InvalidOperationException">The batch is mixed already, or the method needs a network and there is none.</exception>
    public Batch Mix(Batch batch, Draws draws, nn.Module<Tensor, Tensor>? model = null) =>
        Mix(batch, PlanFor(batch, draws, model));

    /// <summary>A plan for a batch, by everything that the batch has.</summary>
    internal MixPlan PlanFor(Batch batch, Draws draws, nn.Module<Tensor, Tensor>? model) =>
        Plan(MixContext.Of(batch.Images, draws) with { Labels = batch.Labels, Model = model, ObjectMask = batch.ObjectMask });

    /// <summary>Mixes by a plan that exists. The batch is left as it was; the new images and targets belong to the caller.</summary>
    /// <exception cref="InvalidOperationException">The batch is mixed already.</exception>
    public Batch Mix(Batch batch, MixPlan plan)
    {
        if (batch.Plan is not null)
            throw new InvalidOperationException($"A batch is mixed once. "
                + $"Received: a batch already mixed by {batch.Plan.Method}. Choose one mixer for each batch by OneOf, or erase before "
                    + "it is mixed by Sequence.");
        return Mixed(batch, plan, Apply(batch.Images, plan), batch.Masks is null ? null : ApplyToMasks(batch.Masks, plan));
    }

    /// <summary>A batch whose images and masks are mixed by a plan, with the objects, targets and plan that belong to them.</summary>
    internal Batch Mixed(Batch batch, MixPlan plan, Tensor images, Tensor? masks) => batch with
    {
        Images = images,
        Masks = masks,
        Objects = batch.Objects is null ? null : LabeledObject.Mix(batch.Objects, plan, MinVisible),
        Plan = plan,
        Targets = PairTargets.Of(batch.Labels, plan),
    };

    /// <summary>The images (N, C, H, W) mixed by a plan, in a new tensor that the caller owns; the input is not changed.</summary>
    public Tensor Apply(Tensor images, MixPlan plan)
    {
        var mixed = images.clone();
        ApplyInPlace(mixed, plan);
        return mixed;
    }

    /// <summary>Dense labels (N, H, W) of any type mixed like the images, in a new tensor that the caller owns.</summary>
    public Tensor ApplyToMasks(Tensor masks, MixPlan plan)
    {
        using var planes = masks.unsqueeze(1);      // (N, 1, H, W)
        using var mixed = Apply(planes, plan);
        return mixed.squeeze(1);
    }

    /// <summary>Mixes the images (N, C, H, W) by a plan where they lie: only the pixels that change are touched.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "Read as the mixer's own, like Apply.")]
    public void ApplyInPlace(Tensor images, MixPlan plan) => RegionMixing.InPlace(images, plan);
}

/// <summary>One place for the ranges of options that several methods share.</summary>
internal static class Options
{
    public static double Alpha(double value) => value > 0 && double.IsFinite(value) ? value
        : throw new ArgumentOutOfRangeException(nameof(value), FormattableString.Invariant(
            $"alpha must be positive. Received: alpha = {value}. To switch mixing off, set the probability to 0."));

    public static double Probability(double value) => Share(value, "probability");

    public static double Share(double value, string name) => value is >= 0 and <= 1 ? value
        : throw new ArgumentOutOfRangeException(nameof(value),
            FormattableString.Invariant($"{name} must lie in [0, 1]. Received: {name} = {value}."));
}
