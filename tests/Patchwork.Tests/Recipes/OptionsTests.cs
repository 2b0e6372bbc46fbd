using Patchwork.Comparisons;
using Patchwork.Inference;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Recipes;
using Patchwork.Regularization;
using Patchwork.Runs;
using TorchSharp;
using Xunit;

namespace Patchwork.Tests.Recipes;

/// <summary>Every option of every method can be set by its name, and nothing else changes.</summary>
public sealed class OptionsTests
{
    public static IEnumerable<TheoryDataRow<string, string>> All =>
        from method in Methods.All
        from option in MethodOption.Of(method.Create())
        select new TheoryDataRow<string,
            string>(method.Id, option.Name);

    // A value other than the default that is in the range of every option of its kind.
    private static string Another(IMethod method, MethodOption option) =>
        (method.GetType().GetProperty(char.ToUpperInvariant(option.Name[0]) + option.Name[1..])!.GetValue(method), option.Takes) switch
        {
            (bool flag, _) => flag ? "false" : "true",
            (Enum word, _) => Enum.GetNames(word.GetType()).First(name => name != word.ToString()).ToLowerInvariant(),
            (int number, _) => $"{number + 1}",
            (double number, _) => FormattableString.Invariant($"{(number == 0 ? 0.25 : number / 2)}"),
            (ShareRange, _) => "0.25,0.35",
            (UniformRange, _) => "-0.5,0.25",
            (IReadOnlyList<int>, _) => "2,4",
            (IReadOnlyList<string>, _) => "layer2,layer3",
            (null, "a whole number, or none") => "8",
            (null, "a number, or none") => "0.25",
            var (value, _) => throw new InvalidOperationException($"{method.Id}.{option.Name} is of a kind that no test sets: {value}."),
        };

    [Theory, MemberData(nameof(All))]
    public void An_option_is_set_by_its_name_and_no_other_changes(string id, string name)
    {
        var before = Methods.Find(id).Create();
        var text = Another(before, MethodOption.Of(before).Single(option => option.Name == name));
        foreach (var key in (string[])[name, $"{id}.{name}"])
        {
            var recipe = new Recipe { Method = id, Options = new Dictionary<string, string> { [key] = text } };
            var read = Recipe.FromJson(recipe.ToJson());
            Assert.Equal(recipe.ToJson(), read.ToJson());
            var after = read.Resolve().Stack.Methods.Single();
            foreach (var option in MethodOption.Of(before))
                Assert.Equal(option.Name == name ? text : option.Text(before), option.Text(after));
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Setting_an_option_to_its_own_text_gives_the_same_text(string id, string name)
    {
        var method = Methods.Find(id).Create();
        var option = MethodOption.Of(method).Single(option => option.Name == name);
        Assert.Equal(option.Text(method),
            option.Text(option.Set(option.Set(method, Another(method, option)), option.Text(method) ?? "none")));
    }

    [Fact]
    public void Options_in_JSON_can_be_words_numbers_and_lists()
    {
        var recipe = Recipe.FromJson("""{"method":"cutmix+cutout","options":{"cutmix.alpha":0.5,"sideRange":[0.1,0.4],"drawAlpha":true,"placement":"Inside","length":null}}""");
        var cutmix = Assert.IsType<CutMix>(recipe.Resolve().Stack.Mixer);
        Assert.Equal((0.5, new ShareRange(0.1, 0.4), true, Placement.Inside),
            (cutmix.Alpha, cutmix.SideRange, cutmix.DrawAlpha, cutmix.Placement));
        Assert.Equal(recipe.ToJson(), Recipe.FromJson(recipe.ToJson()).ToJson());
        Assert.Contains("\"cutmix.alpha\": 0.5", recipe.ToJson(), StringComparison.Ordinal);
    }

    // timm's usual setting: Mixup with α 0.8 or CutMix with α 1.
    [Fact]
    public void Options_of_alternative_mixers_override_the_recipe_keys()
    {
        var recipe = new Recipe
        {
            Method = "mixup:0.5-or-cutmix:0.5",
            Alpha = 1,
            Options = new Dictionary<string,
            string>
            { ["mixup.alpha"] = "0.8", ["placement"] = "inside" }
        };
        var choices = Assert.IsType<OneOf>(recipe.Resolve().Stack.Mixer).Choices;
        Assert.Equal([0.8, 1], choices.Select(choice => choice.Mixer.LambdaAlpha!.Value));
        Assert.Equal(Placement.Inside, Assert.IsType<CutMix>(choices[1].Mixer).Placement);
    }

    [Fact]
    public void Probability_key_sets_the_mixer_of_a_stack_and_a_named_option_the_eraser()
    {
        var stack = new Recipe
        {
            Method = "mixup+randomerasing",
            Probability = 0.25,
            Options = new Dictionary<string,
            string>
            { ["randomerasing.probability"] = "0.75" }
        }.Resolve().Stack;
        Assert.Equal((0.25, 0.75), (((BetaMixer)stack.Mixer!).Probability, stack.Erasers[0].Probability));
    }

    [Fact]
    public void The_alpha_of_ShakeDrop_is_not_the_alpha_of_mixing()
    {
        var stack = new Recipe { Method = "mixup+shakedrop", Alpha = 0.25 }.Resolve().Stack;
        Assert.Equal((0.25, new UniformRange(-1, 1)),
            (stack.Mixer!.LambdaAlpha, Assert.IsType<ShakeDrop>(Assert.Single(stack.ModelOptions.Regularizers)).Alpha));
        Assert.Contains("Received: method shakedrop.",
            Assert.Throws<InputException>(() => new Recipe { Method = "shakedrop", Alpha = 0.25 }.Resolve()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_card_recreates_the_trained_network()
    {
        var card = new ModelCard("resnet8", ["cat", "dog"], 3, 32, 32, [0.5f, 0.4f, 0.3f], [0.25f, 0.25f, 0.2f])
        {
            Method = "shakedrop",
            Options = new Dictionary<string, string> { ["shakedrop.level"] = "pixel", ["shakedrop.alpha"] = "0,0.5" },
        };
        var read = ModelCard.FromJson(card.ToJson(), "card");
        Assert.Equal(card.ToJson(), read.ToJson());
        using var model = read.CreateModel();
        var used = Assert.IsType<ShakeDrop>(model.modules().OfType<BranchLayer>().First().Method);
        Assert.Equal((ShakeDropLevel.Pixel, new UniformRange(0, 0.5), 0.5), (used.Level, used.Alpha, used.DropProbability));
        Assert.Throws<InputException>(() => (card with { Method = "stochasticdepth" }).CreateModel());
    }

    [Fact]
    public void A_model_card_without_options_is_still_read()
    {
        using var model = ModelCard.FromJson("""
            { "model": "resnet8", "classes": ["cat", "dog"], "channels": 3, "height": 32, "width": 32, "mean": [0, 0, 0], "deviation": [1, 1, 1], "centerCrop": 1, "method": "shakedrop", "dropProbability": 0.25 }
            """, "card").CreateModel();
        Assert.Equal(new ShakeDrop { DropProbability = 0.25 }, model.modules().OfType<BranchLayer>().First().Method);
    }

    [Fact]
    public void Values_outside_their_range_are_rejected_before_they_are_used()
    {
        Assert.Throws<InputException>(() => new Comparison(new Recipe { Alpha = 0 }, ["mixup"], 1));
        Assert.Throws<InputException>(() =>
            TrainingRun.Start(new Recipe { Method = "mixup", Alpha = 0 }, "never", [], _ => { }, cancellation: TestContext.Current.CancellationToken));
    }

    [Theory, InlineData("resnet8"), InlineData("resnet18"), InlineData("preactresnet18"), InlineData("wrn-16-4"),
        InlineData("resnext29-4x24d"), InlineData("pyramidnet110-a48")]
    public void Feature_mixers_find_the_stages_of_every_kind_of_network(string id)
    {
        using var scope = torch.NewDisposeScope();
        using var model = ModelZoo.Create(id, 3);
        using var images = torch.zeros(1, 3, 16, 16);
        foreach (var mixer in Methods.All.Select(method => method.Create()).OfType<FeatureMixer>())
            mixer.Attach(model, images).Dispose();
        Assert.All(model.StageNames, stage => Assert.Contains(stage, model.named_children().Select(child => child.name)));
    }
}
