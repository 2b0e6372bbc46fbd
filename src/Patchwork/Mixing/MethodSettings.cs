using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>
/// Options of methods by name, as given by a recipe, a model card or the command line. The names are looked up once, in
/// <see cref="Parse"/>.
/// </summary>
public sealed class MethodSettings
{
    private readonly (OptionName Name, string Text)[] settings;

    private MethodSettings((OptionName, string)[] settings) => this.settings = settings;

    /// <summary>Looks up the names in the catalogue.</summary>
    /// <param name="options">
    /// Values as text by name: <c>level</c>, or <c>shakedrop.level</c> when several methods have an option of that name. Null: no options.
    /// </param>
    /// <exception cref="InputException">No method of the catalogue has such an option; the message suggests the nearest name.</exception>
    public static MethodSettings Parse(IReadOnlyDictionary<string, string>? options) =>
        new([.. (options ?? new Dictionary<string, string>()).Select(option => (OptionName.Parse(option.Key), option.Value))]);

    /// <summary>These options and others.</summary>
    internal MethodSettings Plus(MethodSettings others) => new([.. settings, .. others.settings]);

    /// <summary>The names, in order.</summary>
    internal IEnumerable<OptionName> Names => settings.Select(setting => setting.Name);

    /// <summary>Returns the method with those of the options set that it has, and everything else unchanged.</summary>
    /// <exception cref="InputException">A value is not valid for its option, or is outside its range.</exception>
    public IMethod Over(IMethod method)
    {
        foreach (var (name, text) in settings)
            method = name.Of(method)?.Set(method, text) ?? method;
        return method;
    }

    /// <summary>The options that a method has, by their own names such as <c>level</c>.</summary>
    internal IReadOnlyList<(string Name, string Text)> OfOne(IMethod method) =>
        [.. settings.Where(setting => setting.Name.Of(method) is not null).Select(setting => (setting.Name.Name, setting.Text))];

    /// <summary>The options that at least one of the methods has, by their names as they were given.</summary>
    internal Dictionary<string, string> ActingOn(IReadOnlyCollection<IMethod> methods) =>
        settings.Where(setting => methods.Any(method => setting.Name.Of(method) is not null))
            .ToDictionary(setting => $"{setting.Name}", setting => setting.Text);

    /// <summary>The options that at least one of the methods has, by their full names such as <c>shakedrop.level</c>.</summary>
    internal Dictionary<string, string> Of(IEnumerable<IMethod> methods) =>
        (from method in methods
         from setting in settings
         where setting.Name.Of(method) is not null
         select KeyValuePair.Create($"{setting.Name with { Method = method.Id }}", setting.Text)).ToDictionary();

    /// <summary>Rejects an option that could belong to several methods of a stack, and an option that is set twice.</summary>
    /// <param name="stack">The methods.</param>
    /// <param name="names">The name of the stack, for the message.</param>
    /// <exception cref="InputException">An option is ambiguous or set twice.</exception>
    public void RequireOneEach(MethodStack stack, string names)
    {
        var named = (from name in Names
                     from method in stack.Parts
                     where name.Of(method) is not null
                     select (Name: name, Whole: new OptionName(method.Id, name.Name))).ToArray();
        if (named.GroupBy(option => option.Name).FirstOrDefault(group => group.Count() > 1) is { } several)
            throw new InputException($"{several.Key} is an option of several methods of {names}. "
                + $"Name the one you mean: {string.Join(" or ", several.Select(option => option.Whole))}.");
        if (named.GroupBy(option => option.Whole).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new InputException("An option can be set only once. "
                + $"Received: {string.Join(" and ", twice.Select(option => option.Name))} for {names}.");
    }

    /// <summary>Rejects an option that none of the methods has.</summary>
    /// <param name="methods">The methods.</param>
    /// <param name="received">The methods in words, for the message, such as <c>method mixup</c>.</param>
    /// <exception cref="InputException">None of the methods has the option; the message names the methods that have it.</exception>
    internal void RequireUse(IReadOnlyCollection<IMethod> methods, string received)
    {
        foreach (var name in Names)
            OptionName.RequireUse($"{name}", method => name.Of(method) is not null, methods, received);
    }
}
