using Patchwork.Losses;
using Patchwork.Schedules;
using Patchwork.Training;

namespace Patchwork.Recipes;

/// <summary>The optimizer, the loss and the schedule that a recipe names.</summary>
internal static class RecipeTraining
{
    public static OptimizerOptions Optimizer(Recipe recipe)
    {
        OptimizerOptions options = recipe.Optimizer switch
        {
            OptimizerKind.Sgd => new Sgd { Momentum = recipe.Momentum },
            OptimizerKind.Adam => new Adam(),
            _ => new AdamW(),
        };
        var usual = recipe is { Schedule: ScheduleKind.OneCycle, Optimizer: not OptimizerKind.Sgd } ? 10 * options.LearningRate : options.LearningRate;
        return options with { LearningRate = recipe.Lr ?? usual, WeightDecay = recipe.WeightDecay ?? options.WeightDecay, DecayVectors = !recipe.NoVectorDecay };
    }

    public static Loss Loss(Recipe recipe)
    {
        Loss loss = recipe.Loss switch
        {
            LossKind.CrossEntropy => new CrossEntropy { LabelSmoothing = recipe.LabelSmoothing },
            LossKind.Binary => new BinaryCrossEntropy { LabelSmoothing = recipe.LabelSmoothing },
            _ => new Focal(),
        };
        return recipe.CreateStack().LabelRule?.In(loss) ?? loss;
    }

    public static LearningRateSchedule Schedule(Recipe recipe, double rate, int stepsPerEpoch)
    {
        var warmup = (long)(recipe.Warmup * stepsPerEpoch);
        var steps = (long)recipe.Epochs * stepsPerEpoch - warmup;
        LearningRateSchedule schedule = recipe.Schedule switch
        {
            ScheduleKind.Constant => new ConstantRate(rate),
            ScheduleKind.Cosine => new Cosine(rate, steps),
            ScheduleKind.OneCycle => new OneCycle(rate, steps),
            // Milestones are epochs of the whole run, warm-up included.
            _ => new MultiStep(rate, [.. (recipe.Milestones ?? [recipe.Epochs / 2, recipe.Epochs * 3 / 4]).Select(epoch => (long)epoch * stepsPerEpoch - warmup)]),
        };
        return warmup > 0 ? new Warmup(warmup, schedule) : schedule;
    }
}
