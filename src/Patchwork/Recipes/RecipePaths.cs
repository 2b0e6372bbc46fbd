using Patchwork.Data;

namespace Patchwork.Recipes;

/// <summary>The files that a recipe names, made independent of the folder and the environment that it was typed in.</summary>
internal static class RecipePaths
{
    /// <summary>The recipe with the full paths of its data folder and its weights; an embedded set has no folder.</summary>
    public static Recipe Settled(Recipe recipe) => recipe with
    {
        Data = Full(DatasetCatalogue.FolderOf(recipe.Dataset, recipe.Data)),
        Images = Full(recipe.Images),
        ClassNames = Full(recipe.ClassNames),
        Weights = Full(recipe.Weights),
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
