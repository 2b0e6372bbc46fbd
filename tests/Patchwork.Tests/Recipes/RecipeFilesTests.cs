using System.Text.Json;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Schedules;
using Patchwork.Tests.Support;
using Patchwork.Training;
using Xunit;

namespace Patchwork.Tests.Recipes;

[Collection(ProcessesCollection.Name)]
public sealed class RecipeFilesTests : IDisposable
{
    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    private static Dictionary<string, Recipe> Files() =>
        Directory.GetFiles(Repository.File("recipes"), "*.json", SearchOption.AllDirectories)
        .ToDictionary(file => Path.GetFileNameWithoutExtension(file), file => Recipe.FromJson(File.ReadAllText(file), file));

    /// <summary>One recipe file per network: the one with the most methods.</summary>
    public static TheoryData<string> OnePerNetwork =>
        [.. Files().Where(file => file.Value.Dataset != "shapes").GroupBy(file => file.Value.Model)
        .Select(files => files.OrderByDescending(file => file.Value.Resolve().Stack.Methods.Count)
            .ThenBy(file => file.Key, StringComparer.Ordinal).First().Key)];

    // Trains each combination of methods and options on a small network and a few images, instead of for days on a GPU. Schedules reach
    // their last value in the second epoch.
    [Fact]
    public void Every_recipe_trains_on_a_small_network()
    {
        files.Paint();
        foreach (var (name, recipe) in Files())
        {
            var scheduled = recipe.Strengths is { Count: > 0 };
            var small = recipe with
            {
                Dataset = "folder",
                Data = files.Pictures,
                ImageSize = 32,
                Model = "resnet8",
                Subset = 40,
                Epochs = scheduled ? 2 : 1,
                BatchSize = 32,
                Milestones = null,
                Warmup = 0,
                Threads = 1,
                Validation = "0.2",
                Strengths = scheduled ? [.. recipe.Strengths!.Select(text => Scaled(text, recipe.Epochs - 1))] : null,
            };
            var result = TrainingRun.Start(small, files.At(name), [], _ => { }, cancellation: TestContext.Current.CancellationToken);
            Assert.Equal(small.Epochs, result.Epochs);
            using var last = JsonDocument.Parse(File.ReadLines(files.At($"{name}/metrics.jsonl")).Last());
            if (scheduled && small.Resolve().Strengths.Probability?.At(1) == 1)
                Assert.True(last.RootElement.GetProperty("mix/share_mixed").GetDouble() > 0.5, $"{name} mixes nothing");
        }
    }

    // Rescales the schedule so that the last epoch of the recipe becomes the second one.
    private static string Scaled(string strength, int lastEpoch)
    {
        var (name, points) = strength.Split(' ', 2) is [var head, var rest] ? (head, rest)
            : throw new ArgumentException($"A strength has a name and points. Received: {strength}.");
        return $"{name} {new StrengthSchedule([.. StrengthSchedule.Parse(points).Points.Select(point => (point.Epoch / lastEpoch, point.Value))])}";
    }

    // The recipe is unchanged except for the batch size: it uses its own network, data, optimizer and schedules, and stops after the first
    // step.
    [Theory, MemberData(nameof(OnePerNetwork))]
    public void A_recipe_trains_one_step_with_its_own_network_and_data(string name)
    {
        var recipe = Files()[name];
        var set = recipe.Dataset == "cifar10" ? "cifar-10-batches-bin" : "cifar-100-binary";
        Assert.SkipUnless(Environment.GetEnvironmentVariable("PATCHWORK_DATA") is { } folder
            && Directory.Exists(Path.Combine(folder, set)), $"needs {recipe.Dataset} in $PATCHWORK_DATA");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var first = new FirstStep(stop);
        Assert.ThrowsAny<OperationCanceledException>(() =>
            TrainingRun.Start(recipe with { BatchSize = 2, Accumulate = 1 }, files.At(name), [first], _ => { }, cancellation: stop.Token));
        Assert.Equal((1, recipe.Model), (first.Steps, first.Model));
        Assert.True(double.IsFinite(first.Loss) && first.Loss > 0, $"loss {first.Loss}");
    }

    private sealed class FirstStep(CancellationTokenSource stop) : Callback
    {
        public long Steps { get; private set; }

        public double Loss { get; private set; }

        public string Model { get; private set; } = "";

        public override void OnTrainBatchEnd(TrainingState state, Batch batch)
        {
            (Steps, Loss, Model) = (state.Step, state.Loss, ((ImageClassifier)state.Model).Id);
            stop.Cancel();
        }
    }

    [Fact]
    public void Every_row_of_the_papers_CIFAR_tables_has_its_own_recipe()
    {
        var recipes = Files();
        Assert.Equal(recipes.Count, recipes.Values.Select(recipe => recipe.ToJson()).Distinct().Count());
        foreach (var (table, rows) in new Dictionary<string,
            int>
        { ["table5-"] = 15, ["table6-"] = 4, ["table7-"] = 5, ["table8-"] = 5, ["figure3-"] = 9 })
            Assert.Equal(rows, recipes.Keys.Count(name => name.StartsWith(table, StringComparison.Ordinal)));
        Assert.All(recipes.Values, recipe => Assert.Contains(recipe.Model, ModelZoo.Ids));
        Assert.Equal("CutMix + ShakeDrop", recipes["table5-cutmix-shakedrop"].Resolve().Name);
    }
}
