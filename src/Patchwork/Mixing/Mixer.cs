using System.Diagnostics.CodeAnalysis;
using Patchwork.Internals;
using Patchwork.Plans;
using Patchwork.Randomness;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// A method that mixes the pixels of two samples: <c>x = M⊙x_a + (1-M)⊙x_b</c>, <c>y = λ·y_a + (1-λ)·y_b</c>. <see cref="Plan"/> makes
/// every random draw and changes no pixels; <see cref="Apply"/> and <see cref="ApplyInPlace"/> execute a plan and draw nothing.
/// </summary>
public abstract record Mixer : IPlanner, IMethod
{
    /// <summary>
    /// Minimum share of an object's area that must stay visible for the object to be kept in a mixed batch. Range [0, 1]. Default 0.1.
    /// </summary>
    public double MinVisible { get; init => field = Options.Share(value, "minimum visible share"); } = 0.1;

    /// <inheritdoc/>
    public abstract string Id { get; }

    /// <summary>The mixers that it consists of: those that a combinator chooses from, or itself.</summary>
    internal virtual IEnumerable<Mixer> Parts => [this];

    /// <inheritdoc/>
    public virtual Needs Needs => Needs.Nothing;

    /// <inheritdoc/>
    public virtual NetworkNeed NetworkNeed => NetworkNeed.Nothing;

    /// <inheritdoc/>
    public virtual bool PlansBoxes => false;

    /// <summary>
    /// True when λ of the label is the share of the pixels that were kept; false for methods and options that weigh labels in another way.
    /// </summary>
    public virtual bool LabelsByArea => true;

    /// <summary>
    /// True when planning needs the masks of the objects in the images (<see cref="MixContext.ObjectMask"/>). Default false.
    /// </summary>
    public virtual bool NeedsMasks => false;

    /// <summary>α when λ is drawn from Beta(α, α); null when it follows another distribution. Default null.</summary>
    public virtual double? LambdaAlpha => null;

    /// <summary>
    /// Why the options of this mixer contradict each other and how to fix it, in one sentence; null when they do not. Default null.
    /// </summary>
    public virtual string? Contradiction => null;

    /// <summary>
    /// Facts about the draws that follow from the options and are not visible in a mixed image, a few words each. Default: none.
    /// </summary>
    public virtual IReadOnlyList<string> Facts => [];

    /// <inheritdoc/>
    public abstract MixPlan Plan(MixContext context);

    /// <summary>
    /// Returns the same method with another α or probability; null keeps the current value. Default: the method unchanged, for methods that
    /// have neither.
    /// </summary>
    public virtual Mixer WithStrengths(double? alpha, double? probability) => this;

    /// <summary>
    /// Returns a variant of the method for previews: every image is mixed with another one by a separate draw, as far as the method
    /// supports it. Default: the method unchanged.
    /// </summary>
    public virtual Mixer ForEveryImage() => this;

    /// <summary>Plans and mixes in one call. The batch is not changed; the caller owns the new images and targets.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="draws">The stream of the random draws.</param>
    /// <param name="model">
    /// The network, for methods whose plans depend on it (<see cref="Needs.Model"/>), or the <see cref="MaskNetwork"/> of a method whose
    /// masks are learned; it is left unchanged.
    /// </param>
    /// <exception cref="InvalidOperationException">The batch is already mixed, or the method needs a network and none is given.</exception>
    public Batch Mix(Batch batch, Draws draws, nn.Module<Tensor, Tensor>? model = null) =>
        Mix(batch, PlanFor(batch, draws, model));

    /// <summary>Draws a plan for a batch from everything that the batch provides.</summary>
    internal MixPlan PlanFor(Batch batch, Draws draws, nn.Module<Tensor, Tensor>? model) =>
        Plan(MixContext.Of(batch.Images, draws) with
        {
            Labels = batch.Labels,
            Model = model,
            Masks = model as IMaskSource,
            ObjectMask = batch.ObjectMask,
            Earlier = batch.Earlier?.Count ?? 0,
        });

    /// <summary>Mixes a batch by an existing plan. The batch is not changed; the caller owns the new images and targets.</summary>
    /// <exception cref="InvalidOperationException">The batch is already mixed.</exception>
    public Batch Mix(Batch batch, MixPlan plan)
    {
        if (batch.Plan is not null)
            throw new InvalidOperationException($"A batch can be mixed only once. "
                + $"Received: a batch already mixed by {batch.Plan.Method}. Use OneOf to choose one mixer for each batch, or Sequence "
                    + "to erase before mixing.");
        if (plan.Earlier > 0)
            return MixedWithEarlier(batch, plan);
        return Mixed(batch, plan, Apply(batch.Images, plan), batch.Masks is null ? null : ApplyToMasks(batch.Masks, plan));
    }

    private static Batch MixedWithEarlier(Batch batch, MixPlan plan)
    {
        var earlier = batch.Earlier ?? throw new InvalidOperationException("The plan has partners in the batch of the step before. "
            + "Received: a batch without one. Set Earlier.");
        if (batch.Masks is not null || batch.Objects is not null)
            throw new InputException($"Dense labels and objects cannot be mixed with those of the step before. Received: {plan.Method}. "
                + "Omit them, or choose another method.");
        using var scope = NewDisposeScope();
        var images = batch.Images.clone();
        RegionMixing.InPlace(images, plan, earlier.Images);
        var own = earlier.Distributions(batch.Labels);
        var partners = RowIndex.Of(plan.Partners(), own.device);
        var theirs = cat([own, earlier.Labels]).index_select(0, partners);
        return batch with
        {
            Images = images.MoveToOuterDisposeScope(),
            Plan = plan,
            Targets = new PairTargets(own.MoveToOuterDisposeScope(), theirs.MoveToOuterDisposeScope(), plan.Lambdas()),
        };
    }

    /// <summary>Returns the batch with images and masks that are already mixed, and with the objects, targets and plan to match.</summary>
    internal Batch Mixed(Batch batch, MixPlan plan, Tensor images, Tensor? masks) => batch with
    {
        Images = images,
        Masks = masks,
        Objects = batch.Objects is null ? null : LabeledObject.Mix(batch.Objects, plan, MinVisible),
        Plan = plan,
        Targets = PairTargets.Of(batch.Labels, plan),
    };

    /// <summary>Mixes images (N, C, H, W) by a plan into a new tensor that the caller owns; the input is not changed.</summary>
    public Tensor Apply(Tensor images, MixPlan plan)
    {
        var mixed = images.clone();
        ApplyInPlace(mixed, plan);
        return mixed;
    }

    /// <summary>Mixes dense labels (N, H, W) of any type like the images, into a new tensor that the caller owns.</summary>
    public Tensor ApplyToMasks(Tensor masks, MixPlan plan)
    {
        using var planes = masks.unsqueeze(1);      // (N, 1, H, W)
        using var mixed = Apply(planes, plan);
        return mixed.squeeze(1);
    }

    /// <summary>Mixes images (N, C, H, W) by a plan in place; only the pixels that change are written.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "An instance method for symmetry with Apply.")]
    public void ApplyInPlace(Tensor images, MixPlan plan) => RegionMixing.InPlace(images, plan);
}

/// <summary>Range checks for options that several methods share.</summary>
internal static class Options
{
    public static double Alpha(double value) => value > 0 && double.IsFinite(value) ? value
        : throw new ArgumentOutOfRangeException(nameof(value), FormattableString.Invariant(
            $"alpha must be positive. Received: alpha = {value}. To turn mixing off, set the probability to 0."));

    public static double Probability(double value) => Share(value, "probability");

    public static double Share(double value, string name) => value is >= 0 and <= 1 ? value
        : throw new ArgumentOutOfRangeException(nameof(value),
            FormattableString.Invariant($"{name} must lie in [0, 1]. Received: {name} = {value}."));
}
