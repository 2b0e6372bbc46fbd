using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Regularization;
using Patchwork.Schedules;
using Patchwork.Training;

namespace Patchwork.Recipes;

/// <summary>The callbacks that a recipe needs for one fit.</summary>
internal sealed class RecipeCallbacks
{
    private readonly Recipe recipe;
    private readonly MethodStack stack;
    private readonly Strengths strengths;

    public RecipeCallbacks(ResolvedRecipe resolved, string folder, CheckpointStore checkpoints, int stepsPerEpoch)
    {
        (recipe, stack, strengths) = (resolved.Recipe, resolved.Stack, resolved.Strengths);
        Metrics = new MetricsFile(Path.Combine(folder, "metrics.jsonl"));
        Checkpoints = new Checkpointing(checkpoints) { EverySteps = recipe.CheckpointEvery };
        Lambdas = stack.Mixer is null ? null : new LambdaHistogram();
        var log = new TensorBoardLog(folder);
        InOrder =
        [
            .. Freezing(),
            .. Average(),                        // before the callbacks that look at the validated weights
            .. Erasing(),                        // the loader erases before it mixes
            .. Smoothing(),
            .. Dropping(),
            .. FeatureMixing(),
            .. Mixing(log, stepsPerEpoch),
            Metrics,
            log,
            Checkpoints,
            .. Stopping(),
        ];
    }

    /// <summary>
    /// All callbacks in the order in which they run; the trainer moves those with <see cref="Callback.RunsLast"/> behind the user's.
    /// </summary>
    public IReadOnlyList<Callback> InOrder { get; }

    /// <summary>Writes the metrics of each epoch.</summary>
    public MetricsFile Metrics { get; }

    /// <summary>Writes the checkpoints.</summary>
    public Checkpointing Checkpoints { get; }

    /// <summary>Counts the values of λ; null if nothing mixes pixels.</summary>
    public LambdaHistogram? Lambdas { get; }

    private IEnumerable<Callback> Freezing() => recipe.FreezeEpochs is > 0 and var epochs ? [new HeadFirst(epochs)] : [];

    private IEnumerable<Callback> Average() => recipe.Ema is { } decay ? [new WeightAverage { Decay = decay }] : [];

    private IEnumerable<Callback> Erasing() => stack.Erasers is { Count: > 0 } erasers
        ? [new ErasingCallback([.. erasers])
        {
            Probability = stack.Mixes ? null : strengths.Probability,
            CleanTail = recipe.CleanTail,
        }] : [];

    private IEnumerable<Callback> Smoothing() => strengths.LabelSmoothing is { } smoothing ? [new SmoothingSchedule(smoothing)] : [];

    private IEnumerable<Callback> Dropping() => strengths.DropProbability is { } drop ? [new DropSchedule(drop)]
        : from method in stack.ModelOptions.Regularizers
          let ramp = method.Ramp(recipe.Epochs)
          where ramp is not null
          select new DropSchedule(ramp) { Method = method.Id };

    private IEnumerable<Callback> FeatureMixing() => stack.FeatureMixer is { } mixer
        ? [new FeatureMixingCallback(mixer)
        {
            Probability = strengths.Probability,
            Alpha = strengths.Alpha,
            CleanTail = recipe.CleanTail,
            Decoupled = Decoupled,
        }] : [];

    private Decoupled? Decoupled => recipe.Decoupled > 0 ? new Decoupled { Weight = recipe.Decoupled } : null;

    private IEnumerable<Callback> Mixing(TensorBoardLog log, int stepsPerEpoch) => stack.Mixer is { } mixer
        ?
        [
            new MixingCallback(mixer)
            {
                Probability = strengths.Probability,
                Alpha = strengths.Alpha,
                CleanTail = recipe.CleanTail,
                CleanHalf = recipe.CleanHalf,
                UnionLabels = recipe.UnionLabels,
                Decoupled = Decoupled,
            },
            Lambdas!,
            new MixAudit { LabelsByArea = mixer.LabelsByArea },
            new MixingGrids(log, stepsPerEpoch),
        ] : [];

    private IEnumerable<Callback> Stopping() => recipe.EarlyStop is { } patience ? [new EarlyStopping(patience)] : [];
}
