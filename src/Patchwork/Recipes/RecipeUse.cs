using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Plans;

namespace Patchwork.Recipes;

/// <content>Resolves the keys to what runs, and checks that every key has an effect.</content>
public sealed partial record Recipe
{
    /// <summary>
    /// Looks up every name once, and rejects any key, option or strength that would have no effect because none of the methods has it.
    /// </summary>
    /// <exception cref="InputException">
    /// A value is outside its range, a name is unknown or means several options, the methods cannot be combined, or a key, option or
    /// strength acts on none of them.
    /// </exception>
    public ResolvedRecipe Resolve()
    {
        var settings = LookUp();
        var resolved = new ResolvedRecipe(this, settings);
        RequireUse(Method, settings, resolved.Stack);
        return resolved;
    }

    /// <summary>
    /// Resolves the recipe for each of several methods in place of <see cref="Method"/>: a key must act on at least one of them, and is
    /// kept for those that it acts on.
    /// </summary>
    /// <param name="methods">The names that replace <see cref="Method"/>.</param>
    /// <returns>One resolved recipe per name, in their order, without the keys that have no effect on it.</returns>
    /// <exception cref="InputException">As for <see cref="Resolve()"/>.</exception>
    public IReadOnlyList<ResolvedRecipe> Resolve(IReadOnlyList<string> methods)
    {
        var settings = LookUp();
        ResolvedRecipe[] resolved = [.. methods.Select(method => new ResolvedRecipe(this with { Method = method }, settings))];
        RequireUse(string.Join(", ", methods), settings, [.. resolved.Select(one => one.Stack)]);
        return [.. resolved.Select(Fitted)];
    }

    /// <summary>
    /// Resolves a stored recipe: drops the keys, options and strengths that have no effect on the methods instead of rejecting them.
    /// </summary>
    /// <exception cref="InputException">As for <see cref="Resolve()"/>, except for keys that have no effect.</exception>
    internal ResolvedRecipe ResolveStored() => Fitted(new ResolvedRecipe(this, LookUp()));

    private MethodSettings LookUp()
    {
        Validate();
        return MethodSettings.Parse(Options);
    }

    private void RequireUse(string names, MethodSettings settings, params IReadOnlyList<MethodStack> stacks)
    {
        if (Data is not null && DatasetCatalogue.Find(Dataset).IsEmbedded)
            throw new InputException($"{Dataset} is embedded and has no folder. Received: data = {Data}. Set the data set of that folder "
                + $"too (`Dataset` {DatasetCatalogue.OwnPictures.Id} for your own pictures).");
        var list = DatasetCatalogue.OwnList.Id;
        Require(Images is null || Dataset == list, "images", Images, $"omitted without a list (`Dataset` {list})");
        Require(Columns is null || Dataset == list, "columns", Columns, $"omitted without a list (`Dataset` {list})");
        Require(ClassNames is null || Dataset == list, "classNames", ClassNames, $"omitted without a list (`Dataset` {list})");
        Require(MultiLabel is null || Dataset == list, "multiLabel", MultiLabel, $"omitted without a list (`Dataset` {list})");
        Require(!UnionLabels || stacks.Any(stack => stack.Mixer is not null), "unionLabels", UnionLabels,
            "false without a method that mixes");
        var received = $"{(stacks.Count == 1 ? "method" : "methods")} {names}";
        IMethod[] parts = [.. stacks.SelectMany(stack => stack.Parts)];
        foreach (var key in MethodKey.All.Where(key => key.Given(this) is not null))
            OptionName.RequireUse(Property(key.Name), key.Acts, [.. stacks.SelectMany(key.PartsOf)], received);
        settings.RequireUse(parts, received);
        foreach (var strength in Recipes.Strengths.NamesOf(this)
            .Where(strength => !stacks.Any(stack => Recipes.Strengths.Acts(strength, stack))))
            throw new InputException($"The strength {strength} needs {Recipes.Strengths.Needed(strength)}. Received: {received}. "
                + "Omit it, or choose such a method.");
    }

    private static ResolvedRecipe Fitted(ResolvedRecipe resolved)
    {
        var (recipe, stack) = (resolved.Recipe, resolved.Stack);
        var fitted = MethodKey.All.Where(key => !key.PartsOf(stack).Any()).Aggregate(recipe, (rest, key) => key.Without(rest));
        string[] strengths = [.. Recipes.Strengths.NamesOf(recipe).Zip(recipe.Strengths ?? [])
            .Where(one => Recipes.Strengths.Acts(one.First, stack)).Select(one => one.Second)];
        return resolved with
        {
            Recipe = fitted with
            {
                Options = resolved.Settings.ActingOn([.. stack.Parts]),
                Strengths = strengths.Length > 0 ? strengths : null,
            },
        };
    }
}
