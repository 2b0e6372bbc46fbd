using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Xunit;

namespace Patchwork.Tests.Mixing;

public sealed class MethodStackTests
{
    [Fact]
    public void A_stack_sorts_its_methods_by_kind()
    {
        var stack = MethodStack.Parse("cutmix+cutout+randomerasing+labelsmoothing");
        Assert.IsType<CutMix>(stack.Mixer);
        Assert.Equal(["cutout", "randomerasing"], stack.Erasers.Select(eraser => eraser.Id));
        Assert.Equal(0.1, Assert.IsType<LabelSmoothing>(stack.LabelRule).Epsilon);
        Assert.Equal("CutMix + Cutout + Random Erasing + Label smoothing", Methods.NameOf(stack));
        Assert.Empty(MethodStack.Parse("baseline").Methods);
    }

    [Theory]
    [InlineData("cutmix+mixup", "mixup-or-cutmix")]
    [InlineData("cutmix+manifoldmixup", "two different λ")]
    [InlineData("manifoldmixup+featurecutmix", "one layer per batch")]
    [InlineData("cutout+cutout", "once")]
    [InlineData("cutmix-or-cutout", "batch by batch")]
    [InlineData("cutmix+mixupp", "Did you mean 'mixup'")]
    [InlineData("baseline+cutmix", "stands alone")]
    [InlineData("cutmix-or-baseline", "stands alone")]
    [InlineData("mixup-or-mixup", "mixup twice in mixup-or-mixup")]
    [InlineData("mixup:1-or-cutmix:2-or-mixup:1", "mixup twice")]
    [InlineData("mixup:0.3-or-cutmix", "has a weight or none does")]
    [InlineData("mixup:0-or-cutmix:1", "Received: 0 in")]
    [InlineData("mixup:-1-or-cutmix:1", "must be a positive number")]
    [InlineData("mixup:nan-or-cutmix:1", "must be a positive number")]
    [InlineData("mixup:-or-cutmix:1", "must be a positive number")]
    [InlineData("cutmix:0.5", "Did you mean 'cutmix'")]
    [InlineData("cutmix:alpha=0", "cutmix.alpha cannot be 0")]
    [InlineData("cutmix:alpha=much", "cutmix.alpha must be a number")]
    [InlineData("cutmix:alpa=1", "Did you mean 'alpha'")]
    [InlineData("cutmix:level=pixel", "Unknown option of cutmix 'level'")]
    [InlineData("cutmix:alpha=1:alpha=2", "alpha twice")]
    [InlineData("cutmix:alpha=1-or-cutmix:alpha=2", "cutmix twice")]
    [InlineData("shakedrop+stochasticdepth", "only one method can scale the end of a branch")]
    public void Stacks_that_cannot_work_are_refused_with_the_reason(string names, string reason) =>
        Assert.Contains(reason, Assert.Throws<InputException>(() => MethodStack.Parse(names)).Message, StringComparison.Ordinal);

    [Theory, InlineData("mixup:0.3-or-cutmix:0.7"), InlineData("mixup:3-or-cutmix:7"), InlineData("mixup:0.03-or-cutmix:7e-2")]
    public void Only_the_proportion_of_weights_counts(string names)
    {
        var choice = Assert.IsType<OneOf>(MethodStack.Parse(names).Mixer);
        var mixups = Enumerable.Range(0, 4_000)
            .Count(i => choice.Plan(new MixContext(2, 8, 8, new SeedStream(3).Open("mix", 0, i))).Method == "mixup");
        Assert.Equal(0.3, mixups / 4_000.0, 0.03);
    }

    [Fact]
    public void Options_in_a_name_belong_to_their_method_and_take_precedence()
    {
        var stack = MethodStack.Parse("CutMix:Alpha=0.25:scope=pair+cutout:probability=0.5");
        Assert.Equal((0.25, Scope.Pair), (((CutMix)stack.Mixer!).Alpha, ((CutMix)stack.Mixer!).Scope));
        Assert.Equal(0.5, Assert.Single(stack.Erasers).Probability);
        Assert.Equal("CutMix (alpha 0.25, scope pair) + Cutout (probability 0.5)", Methods.NameOf(stack));
        var changed = stack.With(method => method is CutMix mixer ? mixer with { Alpha = 4, Probability = 0.1 } : method);
        Assert.Equal((0.25, 0.1), (((CutMix)changed.Mixer!).Alpha, ((CutMix)changed.Mixer!).Probability));

        var choice = Assert.IsType<OneOf>(MethodStack.Parse("mixup:alpha=0.2:3-or-cutmix:7").Mixer);
        Assert.Equal([3, 7], choice.Choices.Select(one => one.Weight));
        Assert.Equal(0.2, ((Mixup)choice.Choices[0].Mixer).Alpha);
    }

    [Theory]
    [InlineData("baseline, cutmix,mixup:alpha=0.2", "baseline|cutmix|mixup:alpha=0.2")]
    [InlineData("featurecutmix:layers=input,layer1,cutmix", "featurecutmix:layers=input,layer1|cutmix")]
    [InlineData("ShakeDrop:alpha=-1,1+cutmix,CutMix+cutout", "ShakeDrop:alpha=-1,1+cutmix|CutMix+cutout")]
    [InlineData("cutmix,nonsense", "cutmix|nonsense")]
    [InlineData("mixup:0.3-or-cutmix:0.7,baseline", "mixup:0.3-or-cutmix:0.7|baseline")]
    public void A_comma_between_the_values_of_an_option_does_not_separate_names(string names, string expected) =>
        Assert.Equal(expected.Split('|'), MethodStack.Split(names));

    [Fact]
    public void Choices_without_weights_are_equally_likely() =>
        Assert.All(((OneOf)MethodStack.Parse("mixup-or-cutmix-or-fmix").Mixer!).Choices, choice => Assert.Equal(1, choice.Weight));

    [Fact]
    public void Every_method_of_the_catalogue_belongs_to_exactly_one_of_five_kinds()
    {
        foreach (var method in Methods.All)
        {
            var stack = MethodStack.Parse(method.Id);
            IMethod?[] carried = [stack.Mixer, stack.FeatureMixer, .. stack.Erasers, .. stack.ModelOptions.Regularizers, stack.LabelRule];
            Assert.Equal(method.Create().GetType(), Assert.Single(carried, one => one is not null)!.GetType());
        }
        Assert.Equal(2, MethodStack.Parse("dropblock+shakedrop").ModelOptions.Regularizers.Count);
    }

    [Fact]
    public void A_method_of_no_known_kind_is_rejected() =>
        Assert.Contains("Received: idle, which does none",
            Assert.Throws<InputException>(() =>
            MethodStack.Parse("cutmix+cutout").With(method => method is Cutout ? new Idle() : method)).Message, StringComparison.Ordinal);

    private sealed class Idle : IMethod
    {
        public string Id => "idle";
    }

    [Fact]
    public void OneOf_chooses_by_weight_and_plans_as_the_chosen_method()
    {
        var choice = new OneOf([new Choice(new Mixup { Alpha = 0.8 }, 1), new Choice(new CutMix(), 3)]);
        var plans = Enumerable.Range(0, 4_000).Select(i => choice.Plan(new MixContext(4, 32, 32, new SeedStream(2).Open("mix", 0, i))))
            .ToArray();
        Assert.Equal(0.25, plans.Count(plan => plan.Method == "mixup") / 4_000.0, 0.03);
        Assert.All(plans, plan => Assert.Equal(plan.Method == "cutmix", plan.IsOfBoxes));
        Assert.Equal("mixup-or-cutmix", choice.Id);
        Assert.Equal(0.4, Enumerable.Range(0, 4_000)
            .Count(i => (choice with { Probability = 0.4 })
            .Plan(new MixContext(4, 32, 32, new SeedStream(2).Open("mix", 0, i))).Images[0].DrawnLambda != 1) / 4_000.0, 0.03);
        Assert.Throws<ArgumentException>(() => new OneOf([new Choice(new CutMix(), 0)]));
    }
}
