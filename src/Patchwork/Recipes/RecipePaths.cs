using Patchwork.Data;
using Patchwork.Inference;
using Patchwork.Interop;
using Patchwork.Models;

namespace Patchwork.Recipes;

/// <summary>The files that a recipe names, made independent of the folder and the environment that it was typed in.</summary>
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
    /// The recipe with the network that its weights are of, where that is known: nothing else has the names and shapes of those of
    /// ImageNet, and the model that recipes have by default was not chosen for them.
    /// </summary>
    public static Recipe WithModel(Recipe recipe) => recipe.Weights == ImageNetResNet18.Id && recipe.Model == new Recipe().Model
        ? recipe with { Model = ImageNetResNet18.Model } : recipe;

    /// <summary>
    /// The recipe with what its weights say of the size of the images and the first layers of the network, where it leaves them open.
    /// </summary>
    public static Recipe WithWeights(Recipe recipe, WeightsCard card) => recipe with
    {
        ImageSize = recipe.ImageSize ?? (DatasetCatalogue.Find(recipe.Dataset).IsResizable ? card.ImageSize : null),
        Stem = recipe.Stem ?? (ModelZoo.HasStems(recipe.Model) ? card.Stem : null),
    };

    // What can be no path stays as it is, to be refused by who opens it.
    private static string? Full(string? path) => path is { Length: > 0 } && !path.Contains('\0') ? Path.GetFullPath(path) : path;

    /// <summary>
    /// A stored recipe as it holds on this machine: a published set that is no longer where it was is looked for where such sets lie here.
    /// One's own pictures are not: others of that name would be other data.
    /// </summary>
    public static Recipe Here(Recipe stored) =>
        stored is { Data: { } folder } && !DatasetCatalogue.Find(stored.Dataset).HoldsOwnPictures && !Directory.Exists(folder)
            ? stored with { Data = null } : stored;
}
