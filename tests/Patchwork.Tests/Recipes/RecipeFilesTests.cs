using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Recipes;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Recipes;

[Collection(ProcessesCollection.Name)]
public sealed class RecipeFilesTests : IDisposable
{
    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    private static Dictionary<string, Recipe> Files() => Directory.GetFiles(Repository.File("recipes"), "*.json", SearchOption.AllDirectories)
        .ToDictionary(file => Path.GetFileNameWithoutExtension(file), file => Recipe.FromJson(File.ReadAllText(file), file));

    // Each combination of methods and options on a small network and a few images, in place of days on a GPU.
    [Fact]
    public void Every_recipe_trains_a_step()
    {
        foreach (var (name, recipe) in Files())
        {
            var small = recipe with { Dataset = "shapes", Model = "resnet8", Subset = 40, Epochs = 1, BatchSize = 32, Milestones = null, Warmup = 0, Threads = 1, Validation = "0.2" };
            var result = TrainingRun.Start(small, files.At(name), [], _ => { }, TestContext.Current.CancellationToken);
            Assert.Equal(1, result.Epochs);
        }
    }

    [Fact]
    public void Every_row_of_the_papers_CIFAR_tables_has_a_recipe_of_its_own()
    {
        var recipes = Files();
        Assert.Equal(recipes.Count, recipes.Values.Select(recipe => recipe.ToJson()).Distinct().Count());
        foreach (var (table, rows) in new Dictionary<string, int> { ["table5-"] = 15, ["table6-"] = 4, ["table7-"] = 5, ["table8-"] = 5, ["figure3-"] = 9 })
            Assert.Equal(rows, recipes.Keys.Count(name => name.StartsWith(table, StringComparison.Ordinal)));
        Assert.All(recipes.Values, recipe => Assert.Contains(recipe.Model, ModelZoo.Ids));
        Assert.Equal("CutMix + ShakeDrop", Methods.NameOf(recipes["table5-cutmix-shakedrop"].CreateStack()));
    }
}
