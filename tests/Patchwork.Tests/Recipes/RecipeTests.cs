using Patchwork.Mixing;
using Patchwork.Recipes;
using Xunit;

namespace Patchwork.Tests.Recipes;

public sealed class RecipeTests
{
    [Fact]
    public void A_recipe_round_trips_through_JSON()
    {
        var recipe = new Recipe
        {
            Method = "cutmix",
            Alpha = 0.3,
            Probability = 0.7,
            Placement = Placement.Inside,
            Fold = true,
            Scope = Scope.Example,
            Partners = Partners.Derangement,
            Seed = ulong.MaxValue,
            Optimizer = OptimizerKind.Sgd,
            Schedule = ScheduleKind.MultiStep,
            Milestones = [3, 9],
            Warmup = 1.5,
            Clip = 0.1,
            CheckpointEvery = 7,
        };
        var read = Recipe.FromJson(recipe.ToJson());
        Assert.Equal(recipe.ToJson(), read.ToJson());
        Assert.Equal((recipe.Seed, recipe.Alpha, recipe.Placement, recipe.Warmup), (read.Seed, read.Alpha, read.Placement, read.Warmup));
        Assert.Equal(new Recipe().ToJson(), Recipe.FromJson("{}").ToJson());
    }

    [Fact]
    public void Keys_missing_from_an_old_stored_recipe_keep_the_old_behaviour()
    {
        Assert.Equal((null, Precision.Auto), (Recipe.FromJson("{}").ScaledDecoding, Recipe.FromJson("{}").Precision));
        Assert.Equal(new Recipe { ScaledDecoding = false, Precision = Precision.Float32 }.ToJson(), Recipe.FromStored("{}", "recipe.json").ToJson());
        var stored = Recipe.FromStored("""{"scaledDecoding":true,"epochs":3}""", "recipe.json");
        Assert.Equal((true, 3), (stored.ScaledDecoding, stored.Epochs));
    }

    [Theory]
    [InlineData("""{"metod":"cutmix"}""", "Did you mean 'method'?")]
    [InlineData("""{"epochs":0}""", "epochs = 0")]
    [InlineData("""{"epochs":"3"}""", "'epochs'")]
    [InlineData("""{"milestones":[1,"b"]}""", "'milestones'")]
    [InlineData("""{"scope":"galaxy"}""", "'scope'")]
    [InlineData("""{"alpha":0}""", "cannot be 0: alpha must be positive.")]
    [InlineData("""{"probability":1.01}""", "cannot be 1.01")]
    [InlineData("""{"strengths":["probability 0:2"],"method":"mixup"}""", "probability cannot be 2")]
    [InlineData("""{"strengths":["propability 0:1"],"method":"mixup"}""", "Did you mean 'probability'?")]
    [InlineData("""{"strengths":["alpha 0:1","alpha 0:2"],"method":"mixup"}""", "alpha twice")]
    [InlineData("""{"strengths":["alpha 0:1"],"method":"mixup","alpha":1}""", "either fixed or scheduled")]
    [InlineData("""{"strengths":["dropProbability"],"method":"shakedrop"}""", "EPOCH:VALUE")]
    [InlineData("""{"strengths":["labelSmoothing 0:1"]}""", "must lie in [0, 1)")]
    [InlineData("""{"version":2}""", "version = 2")]
    [InlineData("""{"warmup":20}""", "warmup = 20")]
    [InlineData("""{"clip":1e999}""", "clip")]
    [InlineData("""{"dataset":null}""", "'dataset'")]
    [InlineData("""{"model":"\ud800"}""", "valid JSON")]
    [InlineData("""{"\ud800":1}""", "valid JSON")]
    [InlineData("""{"options":[]}""", "'options'")]
    [InlineData("""{"options":{"level":{}},"method":"shakedrop"}""", "'options'")]
    [InlineData("""{"options":{"level":"image","level":"pixel"},"method":"shakedrop"}""", "level")]
    [InlineData("""{"options":{"levl":"pixel"},"method":"shakedrop"}""", "Did you mean 'level'?")]
    [InlineData("""{"options":{"mixup.alpha":1},"strengths":["alpha 0:1"],"method":"mixup-or-cutmix"}""", "either fixed or scheduled")]
    [InlineData("""{"accumulate":2,"method":"manifoldmixup"}""", "accumulate = 2")]
    [InlineData("[]", "Array")]
    [InlineData("{", "valid JSON")]
    public void An_invalid_recipe_is_rejected_with_a_reason(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<InputException>(() => Recipe.FromJson(json).Resolve()).Message, StringComparison.Ordinal);
}
