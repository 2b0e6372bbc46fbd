using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Plans;

namespace Patchwork.Recipes;

/// <content>Whether the keys act on the methods at all.</content>
public sealed partial record Recipe
{
    /// <summary>
    /// Refuses what would change nothing: a key, option or strength that none of the methods has, or a folder for the embedded set. Not part of <see cref="Validate"/>: the recipe that a
    /// comparison's methods share has keys for some of them.
    /// </summary>
    /// <param name="methods">The names that stand in for <see cref="Method"/>; none: the recipe's own.</param>
    /// <exception cref="InputException">Something acts on none of the methods; the first such thing is named.</exception>
    internal void RequireUse(params IReadOnlyList<string> methods)
    {
        if (Data is not null && DatasetCatalogue.Find(Dataset).IsEmbedded)
            throw new InputException($"{Dataset} is embedded and has no folder. Received: `Data` = {Data}. Name the data set of that folder too "
                + $"(`Dataset` {DatasetCatalogue.OwnPictures.Id} for pictures of your own).");
        string[] names = methods.Count > 0 ? [.. methods] : [Method];
        MethodStack[] stacks = [.. names.Select(name => (this with { Method = name }).CreateStack())];
        IMethod[] parts = [.. stacks.SelectMany(stack => stack.Parts)];
        foreach (var key in MethodKey.All.Where(key => key.Given(this) is not null))
            Require(key.Name, key.Acts);
        foreach (var option in Options?.Keys ?? [])
            Require(option, method => OptionName.Parse(option).Of(method) is not null);
        foreach (var strength in Recipes.Strengths.NamesOf(this).Where(strength => !stacks.Any(stack => Recipes.Strengths.Acts(strength, stack))))
            throw new InputException($"The strength {strength} needs {Recipes.Strengths.Needed(strength)}. Received: {Received()}. Leave it away, or choose such a method.");

        void Require(string name, Func<IMethod, bool> acts)
        {
            if (!parts.Any(acts))
                throw new InputException($"{name} is an option of {string.Join(", ", Methods.All.Where(method => acts(method.Create())).Select(method => method.Id))}. "
                    + $"Received: {Received()}. Leave {name} away, or choose a method that has it.");
        }

        string Received() => $"{(names.Length == 1 ? "method" : "methods")} {string.Join(", ", names)}";
    }

    /// <summary>The recipe without what changes nothing about its own methods.</summary>
    internal Recipe Fitted()
    {
        var stack = CreateStack();
        var fitted = MethodKey.All.Where(key => !stack.Parts.Any(key.Acts)).Aggregate(this, (recipe, key) => key.Without(recipe));
        var strengths = Recipes.Strengths.NamesOf(this).Zip(Strengths ?? []).Where(one => Recipes.Strengths.Acts(one.First, stack)).Select(one => one.Second).ToArray();
        return fitted with
        {
            Options = Options?.Where(option => stack.Parts.Any(method => OptionName.Parse(option.Key).Of(method) is not null)).ToDictionary(),
            Strengths = strengths.Length > 0 ? strengths : null,
        };
    }
}
