using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>Options of methods by name, as a recipe, a model card and the command line give them: their names are looked up once.</summary>
public sealed class MethodSettings
{
    private readonly (OptionName Name, string Text)[] settings;

    private MethodSettings((OptionName, string)[] settings) => this.settings = settings;

    /// <summary>Looks the names up in the catalogue.</summary>
    /// <param name="options">
    /// Values as text by name: <c>level</c>, or <c>shakedrop.level</c> where several methods have an option of that name. Null: none.
    /// </param>
    /// <exception cref="InputException">No method of the catalogue has such an option; the nearest name is offered.</exception>
    public static MethodSettings Parse(IReadOnlyDictionary<string, string>? options) =>
        new([.. (options ?? new Dictionary<string, string>()).Select(option => (OptionName.Parse(option.Key), option.Value))]);

    /// <summary>The names, in order.</summary>
    internal IEnumerable<OptionName> Names => settings.Select(setting => setting.Name);

    /// <summary>The method with those of the options that it has, everything else as it is.</summary>
    /// <exception cref="InputException">A value is none of its option, or lies outside its range.</exception>
    public IMethod Over(IMethod method)
    {
        foreach (var (name, text) in settings)
            method = name.Of(method)?.Set(method, text) ?? method;
        return method;
    }

    /// <summary>Those of the options that some methods have, by their names as they were given.</summary>
    internal Dictionary<string, string> ActingOn(IReadOnlyCollection<IMethod> methods) =>
        settings.Where(setting => methods.Any(method => setting.Name.Of(method) is not null))
            .ToDictionary(setting => $"{setting.Name}", setting => setting.Text);

    /// <summary>Those of the options that some methods have, by their whole names, as <c>shakedrop.level</c>.</summary>
    internal Dictionary<string, string> Of(IEnumerable<IMethod> methods) =>
        (from method in methods
         from setting in settings
         where setting.Name.Of(method) is not null
         select KeyValuePair.Create($"{setting.Name with { Method = method.Id }}", setting.Text)).ToDictionary();

    /// <summary>Refuses an option that could mean several methods of a stack, and one that is set twice.</summary>
    /// <param name="stack">The methods.</param>
    /// <param name="names">What the stack is called.</param>
    /// <exception cref="InputException">There is such an option.</exception>
    public void RequireOneEach(MethodStack stack, string names)
    {
        var named = (from name in Names
                     from method in stack.Parts
                     where name.Of(method) is not null
                     select (Name: name, Whole: new OptionName(method.Id, name.Name))).ToArray();
        if (named.GroupBy(option => option.Name).FirstOrDefault(group => group.Count() > 1) is { } several)
            throw new InputException($"{several.Key} is an option of several methods of {names}. "
                + $"Name the one that is meant: {string.Join(" or ", several.Select(option => option.Whole))}.");
        if (named.GroupBy(option => option.Whole).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new InputException($"An option is set once. Received: {string.Join(" and ", twice.Select(option => option.Name))} for "
                + $"{names}.");
    }

    /// <summary>Refuses an option that none of some methods has.</summary>
    /// <param name="methods">The methods.</param>
    /// <param name="received">What they are called, as <c>method mixup</c>.</param>
    /// <exception cref="InputException">There is such an option; the methods that have it are named.</exception>
    internal void RequireUse(IReadOnlyCollection<IMethod> methods, string received)
    {
        foreach (var name in Names)
            OptionName.RequireUse($"{name}", method => name.Of(method) is not null, methods, received);
    }
}
