using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using Patchwork.Plans;
using Patchwork.Regularization;

namespace Patchwork.Mixing;

/// <summary>
/// An option of a method, identified by its name, whose value is read from text and written as text. Recipes and the command line set
/// options through it. Every public property of a method that can be initialized is an option.
/// </summary>
public sealed class MethodOption
{
    private static readonly ConcurrentDictionary<Type, IReadOnlyList<MethodOption>> Known = new();

    // For each type: the description of its values and the parser, which returns null when the text is not a value of the type.
    private static readonly Dictionary<Type, (string Takes, Func<string, object?> Read)> Kinds = new()
    {
        [typeof(bool)] = ("true or false", text => bool.TryParse(text, out var flag) ? flag : null),
        [typeof(int)] = ("a whole number", text => Whole(text)),
        [typeof(double)] = ("a number", text => Number(text)),
        [typeof(ShareRange)] = ("two numbers, for example 0.2,0.8", text => Two(text) is { } two ? (ShareRange)two : null),
        [typeof(UniformRange)] = ("two numbers, for example -1,1", text =>
            Two(text) is var (low, high) ? new UniformRange(low, high) : null),
        [typeof(IReadOnlyList<int>)] = ("whole numbers, for example 2,4,8", text => All(text, Whole)),
        [typeof(IReadOnlyList<string>)] = ("names, for example input,layer1", text => text.Split(',', StringSplitOptions.TrimEntries)),
    };

    private readonly PropertyInfo property;
    private readonly Type type;

    private MethodOption(PropertyInfo property)
    {
        this.property = property;
        type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        Name = char.ToLowerInvariant(property.Name[0]) + property.Name[1..];
    }

    /// <summary>The name of the option in recipes, for example <c>fixedLambda</c>.</summary>
    public string Name { get; }

    /// <summary>A description of the values that the option accepts.</summary>
    public string Takes => (type.IsEnum ? string.Join(", ", Words) : Kinds[type].Takes) + (CanBeNone ? ", or none" : "");

    /// <summary>The options of a method, sorted by name.</summary>
    public static IReadOnlyList<MethodOption> Of(IMethod method) => Known.GetOrAdd(method.GetType(), type =>
        [.. type.GetProperties().Where(property => property.SetMethod is { IsPublic: true }).Select(property => new MethodOption(property))
            .OrderBy(option => option.Name, StringComparer.Ordinal)]);

    /// <summary>The method's value of this option as text that <see cref="Set"/> reads; null when the option has no value.</summary>
    public string? Text(IMethod method) => property.GetValue(method) switch
    {
        null => null,
        Enum or bool => $"{property.GetValue(method)}".ToLowerInvariant(),
        ShareRange shares => FormattableString.Invariant($"{shares.Least},{shares.Most}"),
        UniformRange range => FormattableString.Invariant($"{range.Low},{range.High}"),
        IEnumerable<string> names => string.Join(',', names),
        IEnumerable<int> numbers => string.Join(',', numbers),
        var number => Convert.ToString(number, CultureInfo.InvariantCulture),
    };

    /// <summary>Returns the method with this option set and everything else unchanged.</summary>
    /// <param name="method">The method; it is not changed.</param>
    /// <param name="text">The value: words in any case, several numbers or names separated by commas, <c>none</c> for no value.</param>
    /// <exception cref="InputException">The text is not a value of this option, or the value is outside its range.</exception>
    public IMethod Set(IMethod method, string text)
    {
        var name = $"{method.Id}.{Name}";
        try
        {
            return With(method, Read(name, text));
        }
        catch (ArgumentException error)
        {
            throw new InputException($"{name} cannot be {text}: {InputException.ReasonAlone(error)}", error);
        }
    }

    /// <summary>True when values of the given type can be assigned to this option.</summary>
    internal bool IsOf(Type values) => property.PropertyType.IsAssignableFrom(values);

    /// <summary>Returns the method with this option set to a value of its type.</summary>
    /// <exception cref="ArgumentException">The value is outside the range of the option.</exception>
    internal IMethod With(IMethod method, object? value)
    {
        IMethod copy = method switch
        {
            Mixer mixer => mixer with { },
            FeatureMixer mixer => mixer with { },
            Eraser eraser => eraser with { },
            BranchRegularizer regularizer => regularizer with { },
            LabelRule rule => rule with { },
            _ => throw new ArgumentException($"{method.Id} is of a kind whose options cannot be set by name."),
        };
        property.SetValue(copy, value, BindingFlags.DoNotWrapExceptions, binder: null, index: null, CultureInfo.InvariantCulture);
        return copy;
    }

    private bool CanBeNone => Nullable.GetUnderlyingType(property.PropertyType) is not null;

    private string[] Words => [.. Enum.GetNames(type).Select(name => name.ToLowerInvariant())];

    private object? Read(string name, string text)
    {
        if (CanBeNone && text.Equals("none", StringComparison.OrdinalIgnoreCase))
            return null;
        if (type.IsEnum)
            return Words.Contains(text.ToLowerInvariant()) ? Enum.Parse(type, text, ignoreCase: true)
                : throw InputException.Unknown($"value of {name}", text, Words);
        return Kinds[type].Read(text) ?? throw new InputException($"{name} must be {Takes}. Received: {text}.");
    }

    private static double? Number(string text) =>
        double.TryParse(text, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : null;

    private static int? Whole(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static (double, double)? Two(string text) => All(text, Number) is [var first, var second] ? (first, second) : null;

    private static T[]? All<T>(string text, Func<string, T?> read) where T : struct =>
        text.Split(',').Select(part => read(part.Trim())).ToArray() is var values && values.All(value => value is not null)
            ? [.. values.Select(value => value!.Value)] : null;
}
