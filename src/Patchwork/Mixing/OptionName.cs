using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>
/// The name of an option in recipes: <c>level</c>, or <c>shakedrop.level</c> when several methods have an option of that name.
/// </summary>
/// <param name="Method">Id of the method; null: any method that has the option.</param>
/// <param name="Name">The option's own name.</param>
internal readonly record struct OptionName(string? Method, string Name)
{
    /// <summary>Parses a name, in any case.</summary>
    /// <exception cref="InputException">No method of the catalogue has such an option; the message suggests the nearest name.</exception>
    public static OptionName Parse(string text)
    {
        var name = text.Split('.', 2) is [var before, var after] ? new OptionName(before, after) : new OptionName(null, text);
        IMethod[] methods = [.. name.Method is { } id ? [Methods.Find(id).Create()] : Methods.All.Select(method => method.Create())];
        if (methods.SelectMany(MethodOption.Of).FirstOrDefault(option => option.Name.Equals(name.Name, StringComparison.OrdinalIgnoreCase))
            is { } known)
            return new(name.Method is null ? null : methods[0].Id, known.Name);
        throw InputException.Unknown(name.Method is null ? "option" : $"option of {name.Method}", name.Name,
            [.. methods.SelectMany(MethodOption.Of).Select(option => option.Name).Distinct().Order(StringComparer.Ordinal)]);
    }

    /// <summary>The option of a method that this name refers to; null when the method has no such option.</summary>
    public MethodOption? Of(IMethod method)
    {
        var name = Name;
        return Method is null || Method == method.Id ? MethodOption.Of(method).FirstOrDefault(option => option.Name == name) : null;
    }

    /// <summary>Rejects an option or setting that has no effect on any of the methods.</summary>
    /// <param name="name">The name of the option, for the message.</param>
    /// <param name="acts">Whether the option has an effect on a method.</param>
    /// <param name="methods">The methods.</param>
    /// <param name="received">The methods in words, for the message, such as <c>method mixup</c>.</param>
    /// <exception cref="InputException">
    /// The option has no effect on any of the methods; the message names the methods of the catalogue that it applies to.
    /// </exception>
    public static void RequireUse(string name, Func<IMethod, bool> acts, IReadOnlyCollection<IMethod> methods, string received)
    {
        if (!methods.Any(acts))
            throw new InputException($"{name} is an option of "
                + $"{string.Join(", ", Methods.All.Where(method => acts(method.Create())).Select(method => method.Id))}. "
                + $"Received: {received}. Omit {name}, or choose a method that has it.");
    }

    /// <inheritdoc/>
    public override string ToString() => Method is null ? Name : $"{Method}.{Name}";
}
