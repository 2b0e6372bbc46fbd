using System.Text;
using Patchwork.Inference;
using Patchwork.Recipes;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Recipes;

public sealed class DamagedRecipesTests
{
    // JSON tokens, extreme numbers, and escapes that are not valid in strings.
    private static readonly string[] Words =
    [
        "null", "true", "\"\"", "{}", "[]", "[null]", "0", "-1", "0.5", "1e999", "1e-999", "99999999999999999999",
        "\"\\ud800\"", "\\ud800", "\\u0000",
        "\"test\"", "\"NaN\"", "\"1e-400\"", "\"epochs\":", "\"method\":", ",", "//", "/*", "{", "[", "}", "]", "\"", ":",
    ];

    [Fact]
    public void A_damaged_recipe_is_read_or_rejected()
    {
        byte[][] valid =
        [
            """{"method":"cutmix","alpha":0.25,"epochs":15,"milestones":[5,9],"validation":"0.1","scope":"example"}"""u8.ToArray(),
            """{"dataset":"cifar10","data":"a/b","model":"resnet20","lr":1e-3,"device":"cpu","placement":"inside"}"""u8.ToArray(),
            """{"seed":18446744073709551615,"warmup":0.5,"clip":null,"imageSize":64,"fold":true,"schedule":"multiStep"}"""u8.ToArray(),
        ];
        byte[][] words = [.. Words.Select(Encoding.UTF8.GetBytes)];
        var refused = Mutation.Refused<InputException>("damaged recipe", Mutation.Inputs, valid, words, 1 << 18, input =>
        {
            var recipe = Recipe.FromJson(Encoding.UTF8.GetString(input));
            recipe.ResolveStored();
            Assert.Equal(recipe.ToJson(), Recipe.FromJson(recipe.ToJson()).ToJson());
        });
        Assert.InRange(refused, Mutation.Inputs / 2, Mutation.Inputs * 99 / 100);
    }

    [Theory]
    [InlineData("""{"schedule":99}""", "'schedule'", "onecycle")]
    [InlineData("""{"schedule":1}""", "'schedule'", "onecycle")]
    [InlineData("""{"optimizer":3}""", "'optimizer'", "adamw")]
    [InlineData("""{"optimizer":"3"}""", "'optimizer'", "adamw")]
    [InlineData("""{"placement":"inside,minmax"}""", "'placement'", "minmax")]
    [InlineData("""{"loss":"focal "}""", "'loss'", "focal")]
    [InlineData("""{"scope":["example"]}""", "'scope'", "example")]
    public void A_choice_accepts_only_its_names(string json, string key, string known)
    {
        var refusal = Assert.Throws<InputException>(() => Recipe.FromJson(json)).Message;
        Assert.Contains(key, refusal, StringComparison.Ordinal);
        Assert.Contains(known, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_duplicate_key_is_rejected() =>
        Assert.Contains("epochs", Assert.Throws<InputException>(() => Recipe.FromJson("""{"epochs":3,"seed":2,"epochs":4}""")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_choice_ignores_case()
    {
        foreach (var kind in Enum.GetValues<ScheduleKind>())
        {
            foreach (var name in (string[])[kind.ToString(), kind.ToString().ToLowerInvariant()])
                Assert.Equal(kind, Recipe.FromJson($$"""{"schedule":"{{name}}"}""").Schedule);
        }
    }

    [Fact]
    public void A_damaged_model_card_is_read_or_rejected()
    {
        var card = new ModelCard("resnet8", ["cat", "dog"], 3, 32, 32, [0.5f, 0.4f, 0.3f], [0.25f, 0.25f, 0.2f]);
        var refused = Mutation.Refused<InputException>("damaged card", Mutation.Inputs, [Encoding.UTF8.GetBytes(card.ToJson())],
            [.. Words.Select(Encoding.UTF8.GetBytes)], 1 << 18, input =>
            {
                var read = ModelCard.FromJson(Encoding.UTF8.GetString(input), "card");
                Assert.True(read.Classes.Count >= 2 && read.Mean.Count == read.Channels && read.StandardDeviation.All(value => value > 0));
                Assert.Equal(read.ToJson(), ModelCard.FromJson(read.ToJson(), "card").ToJson());
            });
        Assert.InRange(refused, Mutation.Inputs / 2, Mutation.Inputs * 99 / 100);
    }
}
