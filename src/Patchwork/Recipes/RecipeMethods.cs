using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Regularization;

namespace Patchwork.Recipes;

/// <content>The methods that the keys describe.</content>
public sealed partial record Recipe
{
    /// <summary>The methods with this recipe's options; none for the baseline. What no method of it has is left out.</summary>
    /// <exception cref="InputException">A name is unknown or means several options, a value is none of its option, or the methods do not go together.</exception>
    public MethodStack CreateStack()
    {
        (OptionName Name, string Text)[] options = [.. (Options ?? new Dictionary<string, string>()).Select(option => (OptionName.Parse(option.Key), option.Value))];
        var mixes = MethodStack.Parse(Method) is { Mixer: not null } or { FeatureMixer: not null };
        var stack = MethodStack.Parse(Method, method => Configured(method, mixes, options));
        RequireOneEach(stack, [.. options.Select(option => option.Name)]);
        if (stack.LabelRule is not null && (LabelSmoothing > 0 || Loss == LossKind.Focal))
            throw new InputException($"Labels are smoothed once, and not with the focal loss. Received: method {Method}, labelSmoothing = {LabelSmoothing}, loss {Loss}.");
        return stack;
    }

    private IMethod Configured(IMethod method, bool mixes, (OptionName Name, string Text)[] options)
    {
        if (method is CutMix && Preset is { } name)
            method = CutMix.Presets.All.TryGetValue(name, out var preset) ? preset : throw InputException.Unknown("preset", name, [.. CutMix.Presets.All.Keys]);
        // In a stack with a mixer the probability is the mixer's.
        foreach (var key in MethodKey.All.Where(key => !(mixes && method is Eraser)))
        {
            if (key.Given(this) is { } value && key.OptionOf(method) is { } option)
                method = option.With(method, value);
        }
        foreach (var (option, text) in options)
            method = option.Of(method)?.Set(method, text) ?? method;
        return method;
    }

    private void RequireOneEach(MethodStack stack, OptionName[] names)
    {
        var named = names.SelectMany(name => stack.Parts.Where(method => name.Of(method) is not null).Select(method => (Name: name, Whole: new OptionName(method.Id, name.Name)))).ToArray();
        if (named.GroupBy(option => option.Name).FirstOrDefault(group => group.Count() > 1) is { } several)
            throw new InputException($"{several.Key} is an option of several methods of {Method}. Name the one that is meant: {string.Join(" or ", several.Select(option => option.Whole))}.");
        if (named.GroupBy(option => option.Whole).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new InputException($"An option is set once. Received: {string.Join(" and ", twice.Select(option => option.Name))} for {Method}.");
    }
}
