using Patchwork.Data;
using Patchwork.Inference;
using Patchwork.Interop;
using Patchwork.Models;

namespace Patchwork.Recipes;

/// <summary>Makes the paths in a recipe independent of the current folder and environment.</summary>
internal static class RecipePaths
{
    /// <summary>The recipe with the full paths of its data folder and its weights; an embedded set has no folder.</summary>
    public static Recipe Settled(Recipe recipe) => recipe with
    {
        Data = Full(DatasetCatalogue.FolderOf(recipe.Dataset, recipe.Data)),
        Images = Full(recipe.Images),
        ClassWeights = recipe.ClassWeights is { } weights && !RecipeClassWeights.IsName(weights) ? Full(weights) : recipe.ClassWeights,
        ClassNames = Full(recipe.ClassNames),
        Weights = recipe.Weights == ImageNetResNet18.Id ? recipe.Weights : Full(recipe.Weights),
    };

    /// <summary>
    /// The recipe with the network that its weights belong to, if that is known: the ImageNet weights fit no other network, and the default
    /// model was not chosen for them.
    /// </summary>
    public static Recipe WithModel(Recipe recipe) => recipe.Weights == ImageNetResNet18.Id && recipe.Model == new Recipe().Model
        ? recipe with { Model = ImageNetResNet18.Model } : recipe;

    /// <summary>The recipe with the image size and the first layers of its weights, where it leaves them open.</summary>
    public static Recipe WithWeights(Recipe recipe, WeightsCard card) => recipe with
    {
        ImageSize = recipe.ImageSize ?? (DatasetCatalogue.Find(recipe.Dataset).IsResizable ? card.ImageSize : null),
        Stem = recipe.Stem ?? (ModelZoo.HasStems(recipe.Model) ? card.Stem : null),
    };

    // Invalid paths pass through; whoever opens them rejects them.
    private static string? Full(string? path) => path is { Length: > 0 } && !path.Contains('\0') ? Path.GetFullPath(path) : path;

    /// <summary>
    /// Adapts a stored recipe to this machine: a published set that is no longer at its stored path is looked up in the usual place on this
    /// machine. The user's own pictures are not: a folder of the same name would hold other data.
    /// </summary>
    public static Recipe Here(Recipe stored) =>
        stored is { Data: { } folder } && !DatasetCatalogue.Find(stored.Dataset).HoldsOwnPictures && !Directory.Exists(folder)
            ? stored with { Data = null } : stored;
}
