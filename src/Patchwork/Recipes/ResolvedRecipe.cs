using Patchwork.Data;
using Patchwork.Inference;
using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Regularization;
using Patchwork.Schedules;
using Patchwork.Training;

namespace Patchwork.Recipes;

/// <summary>
/// A recipe with every name looked up once: methods with their options, strengths, loss, optimizer, schedule, loading and the callbacks in
/// the order in which they run. <see cref="Recipe.Resolve()"/> creates it; runs, comparisons, cards and previews use it.
/// </summary>
public sealed record ResolvedRecipe
{
    /// <param name="recipe">The recipe; its values are in their ranges.</param>
    /// <param name="settings">Its options, looked up.</param>
    /// <exception cref="InputException">See <see cref="Recipe.Resolve()"/>.</exception>
    internal ResolvedRecipe(Recipe recipe, MethodSettings settings)
    {
        (Recipe, Settings) = (recipe, settings);
        try
        {
            var stack = MethodStack.Parse(recipe.Method);
            Stack = stack.With(method => Configured(method, stack.Mixes));
            var all = settings.Plus(Stack.Named);
            all.RequireOneEach(Stack, recipe.Method);
            Strengths = Strengths.Of(recipe, Stack, all);
            RequireTogether();
            Optimizer = CreateOptimizer();
            Loss = CreateLoss();
        }
        catch (ArgumentException error)
        {
            throw new InputException(InputException.Reason(error), error);
        }
    }

    /// <summary>The recipe.</summary>
    public Recipe Recipe { get; internal init; }

    /// <summary>
    /// Maximum number of torch threads for a recipe that leaves them open, if several runs share the machine; null: no limit.
    /// </summary>
    internal int? MostThreads { get; init; }

    /// <summary>The options of methods that the recipe names, looked up.</summary>
    internal MethodSettings Settings { get; }

    /// <summary>The methods with their options; none for the baseline.</summary>
    public MethodStack Stack { get; }

    /// <summary>The strengths that change over the run.</summary>
    public Strengths Strengths { get; }

    /// <summary>The training loss, label rules and smoothing included.</summary>
    public Loss Loss { get; }

    /// <summary>
    /// The loss on a training set: <see cref="Loss"/>, or, for images with several labels, binary cross entropy (focal if the recipe says
    /// so) with the same smoothing.
    /// </summary>
    /// <param name="train">The training set.</param>
    public Loss LossOn(Dataset train) => !train.IsMultiLabel ? Loss
        : Stack.LabelRule is { } rule ? rule.In(SeveralLabels) : SeveralLabels;

    private BinaryCrossEntropy SeveralLabels =>
        new() { LabelSmoothing = Recipe.LabelSmoothing, Gamma = Recipe.Loss == LossKind.Focal ? new Focal().Gamma : 0 };

    /// <summary>The optimizer.</summary>
    public OptimizerOptions Optimizer { get; }

    /// <summary>How training batches are loaded: their size, crop, flip and color jitter.</summary>
    public LoaderOptions Loading => new()
    {
        BatchSize = Recipe.BatchSize * Recipe.Accumulate,
        Balanced = Recipe.Balanced,
        Augmentation = new CropFlip { Padding = Recipe.Crop, Flip = Recipe.Flip },
        ResizedCrop = Recipe.ResizedCrop is { } scale ? new RandomResizedCrop { Scale = scale } : null,
        Color = Recipe.ColorJitter is > 0 and var s ? new ColorJitter { Brightness = s, Contrast = s, Saturation = s } : null,
    };

    /// <summary>The names of the methods as in their papers: "CutMix + ShakeDrop", "CutMix with a clean half", or "Baseline".</summary>
    public string Name => Methods.NameOf(Stack) + (Recipe.CleanHalf && Stack.Mixer is not null ? " with a clean half" : "")
        + (Recipe.Decoupled > 0 && Stack.Mixes ? ", decoupled" : "");

    /// <summary>The learning rate by optimizer step.</summary>
    /// <param name="stepsPerEpoch">Steps per epoch. Range: at least 1.</param>
    public LearningRateSchedule Schedule(int stepsPerEpoch)
    {
        var rate = Optimizer.LearningRate;
        var warmup = (long)(Recipe.Warmup * stepsPerEpoch);
        var steps = (long)Recipe.Epochs * stepsPerEpoch - warmup;
        LearningRateSchedule schedule = Recipe.Schedule switch
        {
            ScheduleKind.Constant => new ConstantRate(rate),
            ScheduleKind.Cosine => new Cosine(rate, steps),
            ScheduleKind.OneCycle => new OneCycle(rate, steps),
            // Milestones are epochs of the whole run, warm-up included.
            _ => new MultiStep(rate, [.. (Recipe.Milestones ?? [Recipe.Epochs / 2, Recipe.Epochs * 3 / 4])
                .Select(epoch => (long)epoch * stepsPerEpoch - warmup)]),
        };
        return warmup > 0 ? new Warmup(warmup, schedule) : schedule;
    }

    /// <summary>The model card of the network that is trained on a data set.</summary>
    /// <param name="train">The training set.</param>
    public ModelCard Card(Dataset train) => ModelCard.Of(Recipe.Model, train) with
    {
        CenterCrop = Recipe.CenterCrop,
        ScaledDecoding = Recipe.ScaledDecoding ?? true,
        Method = string.Join('+', Branches.Select(method => method.Id).DefaultIfEmpty(Methods.Baseline)),
        DropProbability = Strengths.DropProbability?.At(Recipe.Epochs) ?? Recipe.DropProbability,
        Stem = Recipe.Stem ?? (ModelZoo.HasStems(Recipe.Model) ? ResNet.StemFor(train.Height) : null),
        Seed = Recipe.Seed,
        Options = Settings.Plus(Stack.Named).Of(Branches),      // full names: with fewer methods a short name could mean another option
    };

    /// <summary>Creates the callbacks that every run of this recipe has; a callback belongs to one fit.</summary>
    /// <param name="folder">Folder for metrics, events and image grids.</param>
    /// <param name="checkpoints">Where checkpoints are stored.</param>
    /// <param name="stepsPerEpoch">Steps per epoch.</param>
    internal RecipeCallbacks Callbacks(string folder, CheckpointStore checkpoints, int stepsPerEpoch) =>
        new(this, folder, checkpoints, stepsPerEpoch);

    private IEnumerable<BranchRegularizer> Branches => Stack.Methods.OfType<BranchRegularizer>();

    private IMethod Configured(IMethod method, bool mixes)
    {
        method = CutMixKeys.Begin(Recipe, method);
        // In a stack with a mixer, the probability belongs to the mixer.
        foreach (var key in MethodKey.All.Where(key => !(mixes && method is Eraser)))
        {
            if (key.Given(Recipe) is { } value && key.OptionOf(method) is { } option)
                method = option.With(method, value);
        }
        return Settings.Over(method);
    }

    // Options and keys that contradict each other.
    private void RequireTogether()
    {
        if (Stack.LabelRule is not null && (Recipe.LabelSmoothing > 0 || Recipe.Loss == LossKind.Focal))
            throw new InputException($"Labels must be smoothed only once, and not with the focal loss. Received: method {Recipe.Method}, "
                + $"labelSmoothing = {Recipe.LabelSmoothing}, loss {Recipe.Loss}.");
        Recipe.Require(Recipe.FreezeEpochs == 0 || Stack.FeatureMixer is null,
            "freezeEpochs", Recipe.FreezeEpochs, "0 with a method that mixes features, because frozen features are not trained");
        Recipe.Require(!Recipe.Freeze || (Stack.FeatureMixer is null && !Branches.Any()),
            "freeze", Recipe.Freeze, "false with a method that acts inside the network");
        Recipe.Require(Recipe.Accumulate == 1 || Stack.FeatureMixer is null,
            "accumulate", Recipe.Accumulate, "1 with a method that mixes features, which works within one pass");
        Recipe.Require(Recipe.Accumulate == 1 || !Recipe.CleanHalf || Stack.Mixer is null,
            "accumulate", Recipe.Accumulate, "1 with a clean half, which passes through the network together with the mixed half");
        Recipe.Require(Recipe.Decoupled == 0 || !Stack.Mixes || Recipe.Loss == LossKind.CrossEntropy,
            "decoupled", Recipe.Decoupled, "0 with a loss other than the cross entropy");
        if (Stack.Mixer?.Parts.OfType<IRecursiveMixer>().FirstOrDefault() is { } recursive)
        {
            Recipe.Require(Recipe.Accumulate == 1, "accumulate", Recipe.Accumulate, $"1 with {recursive.Id}, which keeps whole batches");
            Recipe.Require(Recipe.Decoupled == 0, "decoupled", Recipe.Decoupled, $"0 with {recursive.Id}, whose labels have many classes");
            Recipe.Require(!Recipe.CleanHalf, "cleanHalf", Recipe.CleanHalf, $"false with {recursive.Id}, whose batches have one half");
        }
        if (Stack.Mixer?.Parts.OfType<ITrainedMixer>().FirstOrDefault() is { } trained)
            Recipe.Require(Recipe.Accumulate == 1, "accumulate", Recipe.Accumulate, $"1 with {trained.Id}, which trains on whole batches");
        if (Stack.Mixer?.Contradiction is { } contradiction)
            throw new InputException(contradiction);
    }

    private OptimizerOptions CreateOptimizer()
    {
        OptimizerOptions options = Recipe.Optimizer switch
        {
            OptimizerKind.Sgd => new Sgd { Momentum = Recipe.Momentum },
            OptimizerKind.Adam => new Adam(),
            _ => new AdamW(),
        };
        var usual = Recipe is { Schedule: ScheduleKind.OneCycle, Optimizer: not OptimizerKind.Sgd } ? 10 * options.LearningRate
            : options.LearningRate;
        // At the learning rates for training from scratch, a network would soon forget what it has learned.
        var start = Recipe.Weights is null ? usual : 0.3 * usual;
        return options with
        {
            LearningRate = Recipe.Lr ?? start,
            WeightDecay = Recipe.WeightDecay ?? options.WeightDecay,
            DecayVectors = !Recipe.NoVectorDecay,
            LayerDecay = Recipe.LayerDecay,
        };
    }

    private Loss CreateLoss()
    {
        Loss loss = Recipe.Loss switch
        {
            LossKind.CrossEntropy => new CrossEntropy { LabelSmoothing = Recipe.LabelSmoothing },
            LossKind.Binary => new BinaryCrossEntropy { LabelSmoothing = Recipe.LabelSmoothing },
            _ => new Focal(),
        };
        return Stack.LabelRule?.In(loss) ?? loss;
    }
}
