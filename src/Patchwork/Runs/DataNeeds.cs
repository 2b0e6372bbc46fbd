using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Recipes;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Runs;

/// <summary>
/// Checks before anything is trained that a recipe's methods fit its data set and its network, since some methods fit only some of them.
/// </summary>
internal static class DataNeeds
{
    /// <summary>True if a method looks at the data or the network before it can work.</summary>
    public static bool Any(MethodStack stack) =>
        stack.FeatureMixer is not null || stack.Mixer is { } mixer && (mixer.Needs == Needs.Model || mixer.NeedsMasks);

    // Checks the settings and methods that require one label per image.
    private static void RequireOneLabel(Recipe recipe, MethodStack stack, Dataset train)
    {
        if (!train.IsMultiLabel)
        {
            Recipe.Require(!recipe.UnionLabels, "unionLabels", recipe.UnionLabels, "false for images with one label each");
            return;
        }
        Recipe.Require(recipe.Decoupled == 0, "decoupled", recipe.Decoupled, "0 for images with several labels");
        Recipe.Require(!recipe.Balanced, "balanced", recipe.Balanced,
            "false for images with several labels, which belong to several classes");
        if (stack.Parts.OfType<Mixer>().FirstOrDefault(mixer => mixer.Needs == Needs.Model || mixer is IRecursiveMixer) is { } mixer)
            throw new InputException($"{mixer.Id} needs images with one label each. Received: images with several labels. Choose a method "
                + "that mixes without running the network, such as cutmix or mixup.");
    }

    /// <summary>Checks that the network offers what the methods need.</summary>
    /// <exception cref="InputException">It does not; the message names networks that do.</exception>
    public static void RequireNetwork(ResolvedRecipe resolved)
    {
        foreach (var method in resolved.Stack.Parts)
        {
            if (ModelZoo.Misfit(resolved.Recipe.Model, method) is { } misfit)
                throw new InputException(misfit);
        }
    }

    /// <summary>Tries the methods on the first two images.</summary>
    /// <exception cref="InputException">They do not fit this data set or this network.</exception>
    public static void Require(ResolvedRecipe resolved, DatasetPair data, nn.Module<Tensor, Tensor> model)
    {
        var (recipe, stack) = (resolved.Recipe, resolved.Stack);
        RequireNetwork(resolved);
        RequireOneLabel(recipe, stack, data.Train);
        if (!Any(stack))
            return;
        if (stack.Mixer is { NeedsMasks: true } && (recipe.ResizedCrop is not null || data.Train.ObjectMask(0).IsEmpty))
            throw new InputException("Label weights by object need masks that match the images. Received: dataset "
                + $"{recipe.Dataset}{(recipe.ResizedCrop is null ? ", which has none" : " under a resized crop")}. Choose another "
                + "`LabelWeight`, or a data set with masks and no resized crop.");
        using var scope = NewDisposeScope();
        var seeds = new SeedStream(recipe.Seed);
        using var loader = new BatchLoader(data.Train, seeds, new LoaderOptions { BatchSize = 2, Threads = 0 });
        var batch = loader.Epoch(0).First();
        try
        {
            stack.FeatureMixer?.Attach(model, batch.Images).Dispose();
        }
        catch (ArgumentException error)
        {
            throw new InputException($"{error.Message} The model is {recipe.Model}, the method {recipe.Method}.", error);
        }
        foreach (var mixer in stack.Parts.OfType<ITrainedMixer>())
            mixer.CreateMasks((ImageClassifier)model).Dispose();
        foreach (var mixer in stack.Parts.OfType<Mixer>().Where(mixer => mixer.Needs == Needs.Model && mixer is not ITrainedMixer))
            mixer.Plan(MixContext.Of(batch.Images, seeds.Open("fit")) with { Labels = batch.Labels, Model = model });
    }
}
