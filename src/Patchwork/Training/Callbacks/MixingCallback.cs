using Patchwork.Data;
using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Schedules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>
/// Trains on mixed batches: CutMix as a callback. If planning needs no pixels, the loader gets the mixer and mixes the batch while it
/// assembles it; otherwise the batch is mixed at the start of the step. Wraps the training loss with the pair loss, does not affect
/// validation and test, and restores everything when the fit ends, even if it throws.
/// </summary>
public sealed class MixingCallback(Mixer mixer) : Callback
{
    private bool clean, plansOwnRows;
    private BatchLoader? loader;
    private IPlanner? plannerBefore;
    private BatchLoss? lossBefore;
    private readonly List<MixingCompanion> companions = [];

    /// <summary>The method.</summary>
    public Mixer Mixer { get; } = mixer;

    /// <summary>
    /// Probability that a batch is mixed, as a schedule over the training, as in "Scheduled CutMix" of the paper's table 8; null: the
    /// mixer's own throughout. Range of its values [0, 1].
    /// </summary>
    public StrengthSchedule? Probability { get; init; }

    /// <summary>
    /// α of λ ~ Beta(α, α), as a schedule over the training; null: the mixer's own throughout. Range of its values: positive.
    /// </summary>
    public StrengthSchedule? Alpha { get; init; }

    /// <summary>Number of epochs at the end in which nothing is mixed. Range: 0 or more. Default 0.</summary>
    public int CleanTail { get; init; }

    /// <summary>
    /// Whether to train on the clean images as well as the mixed ones, see <see cref="Mixing.CleanHalf"/>. Default false.
    /// </summary>
    public bool CleanHalf { get; init; }

    /// <summary>
    /// Terms that are added to the loss of mixed images, see <see cref="Losses.Decoupled"/>; they need class ids. Null, the default: none.
    /// </summary>
    public Decoupled? Decoupled { get; init; }

    /// <summary>
    /// With several labels per image: the target of a mixed image is 1 for every class that either image shows, whatever its area (as
    /// TResNet's code does). Default false: the classes weigh λ and 1-λ, so that a class that is barely visible barely counts.
    /// </summary>
    public bool UnionLabels { get; init; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">
    /// A clean half is combined with gradient accumulation: the two halves would be normalized separately.
    /// </exception>
    public override void OnFitStart(TrainingState state)
    {
        if (CleanHalf && state.Options.Accumulate > 1)
            throw new InvalidOperationException("A clean half must pass through the network in one batch with the mixed half. Received: "
                + $"Accumulate = {state.Options.Accumulate}. Set it to 1.");
        if (Decoupled is not null)
            Losses.Decoupled.RequireFit(state.Criterion);
        if (Decoupled is not null && Mixer.Parts.Any(mixer => mixer is IRecursiveMixer))
            throw new InputException($"Decoupled terms need two classes per mixed image. Received: {Mixer.Id}, whose labels have many. "
                + "Omit `Decoupled`.");
        if (UnionLabels && Mixer.Parts.Any(mixer => mixer is IRecursiveMixer))
            throw new InputException($"The union of labels needs two images per mixed image. Received: {Mixer.Id}, whose labels come from "
                + "many. Set `UnionLabels` to false.");
        MixingCompanion.Add(companions, Mixer, state, CleanHalf);
        loader = state.Data.Train;
        plannerBefore = loader.Planner;
        if (!state.Options.Loss.IsLinear)
        {
            state.Warn($"{state.Options.Loss.GetType().Name} as configured is not linear in the target: training uses λ times its value "
                + "for one label plus 1-λ times its value for the other, not its value for the mixed target");
        }
        var before = lossBefore = state.TrainLoss;
        state.TrainLoss = (logits, batch) => batch.Targets is not { } targets ? before(logits, batch)
            : companions.Select(companion => companion.AddedLoss(batch)).OfType<Tensor>().Aggregate(
                UnionLabels && targets.A.dim() == 2 ? Union(logits, targets, state.Criterion)
                    : targets.Loss(logits, state.Criterion, Decoupled),
                (sum, added) => sum.Plus(state.Criterion.Reduce(added)));
    }

    private static Tensor Union(Tensor logits, PairTargets targets, Loss loss)
    {
        using var labels = targets.MultiHot((int)logits.size(1), logits.dtype);
        return loss.Evaluate(logits, labels);
    }

    /// <inheritdoc/>
    public override void OnTrainEpochStart(TrainingState state)
    {
        clean = state.Epoch >= state.Options.Epochs - CleanTail;
        loader!.Planner = !clean && !CleanHalf && Mixer is { Needs: Needs.Nothing, PlansBoxes: true } ? Planner : null;
        // With several ranks, a mixer sees the whole batch, whose pixels every rank reads itself. A mixer that needs the model would have
        // to run it on the whole batch on every rank, which would cancel what the ranks save.
        plansOwnRows = !state.Ranks.Alone && Mixer.Needs == Needs.Model;
        loader.AssemblesWhole = !state.Ranks.Alone && !clean && !plansOwnRows && loader.Planner is null;
    }

    private IPlanner Planner => Probability is null && Alpha is null ? Mixer
        : new TimedPlanner(Mixer, epoch => Mixer.WithStrengths(Alpha?.At(epoch), Probability?.At(epoch)));

    /// <inheritdoc/>
    public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
    {
        foreach (var companion in companions)
            companion.Begin();
        if (clean || batch.Plan is not null)
            return batch;
        batch = companions.Aggregate(batch, (whole, companion) => companion.Complete(whole));
        var draws = state.Options.Seeds.Open("mix", state.Epoch, plansOwnRows ? state.OwnStream : state.StepInEpoch);
        var context = MixContext.Of(batch.Images, draws) with
        {
            Epoch = state.EpochsDone,
            Labels = batch.Labels,
            Model = state.Model,
            ObjectMask = Masks(state, batch),
            Earlier = batch.Earlier?.Count ?? 0,
        };
        var plan = Planner.Plan(companions.Aggregate(context, (whole, companion) => companion.Complete(whole, batch)));
        foreach (var companion in companions)
            companion.Train(state, batch, Alpha?.At(state.EpochsDone));
        var mixed = CleanHalf || companions.Any(companion => companion.AddsCleanHalf(plan)) ? new CleanHalf(Mixer).Mix(batch, plan)
            : Mixer.Mix(batch, plan);
        return plansOwnRows ? mixed with { Part = batch.Part is { } part ? part with { PlansWhole = false } : null }
            : loader!.AssemblesWhole ? state.OwnPart(mixed) : mixed;
    }

    /// <inheritdoc/>
    public override Batch OnBeforeLoss(TrainingState state, Batch batch, Tensor logits) => batch.Plan is null ? batch
        : companions.Aggregate(batch, (whole, companion) => companion.BeforeLoss(whole, logits));

    /// <inheritdoc/>
    public override void OnTrainBatchEnd(TrainingState state, Batch batch)
    {
        foreach (var companion in companions)
            companion.End();
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, Tensor>? StateTensors() =>
        companions.SelectMany(companion => companion.Tensors()).ToDictionary() is { Count: > 0 } tensors ? tensors : null;

    /// <inheritdoc/>
    public override void LoadStateTensors(IReadOnlyDictionary<string, Tensor> tensors)
    {
        foreach (var companion in companions)
            companion.Load(tensors);
    }

    private static Func<int, byte[]?>? Masks(TrainingState state, Batch batch) =>
        batch.Ids.Count > 0 ? row => state.Data.Train.ObjectMask(batch.Ids[row], state.Epoch) : batch.ObjectMask;

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingState state)
    {
        foreach (var companion in companions)
            companion.Dispose();
        companions.Clear();
        if (lossBefore is null)
            return;
        state.TrainLoss = lossBefore;
        (loader!.Planner, loader.AssemblesWhole) = (plannerBefore, false);
        lossBefore = null;
    }
}
