using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Regularization;

namespace Patchwork.Recipes;

/// <summary>
/// A recipe key that concerns methods: it sets the option of the same name in every method that has one, or acts on one kind of method.
/// </summary>
/// <param name="Name">The key.</param>
/// <param name="Given">Its value in a recipe; null if it is omitted.</param>
/// <param name="Without">The recipe without the key.</param>
/// <param name="Acts">Whether it has an effect on a method.</param>
internal sealed record MethodKey(string Name, Func<Recipe, object?> Given, Func<Recipe, Recipe> Without, Func<IMethod, bool> Acts)
{
    /// <summary>All method keys, in the order of a recipe.</summary>
    public static IReadOnlyList<MethodKey> All { get; } =
    [
        Option<double>("alpha", recipe => recipe.Alpha, recipe => recipe with { Alpha = null }),
        Option<double>("probability", recipe => recipe.Probability, recipe => recipe with { Probability = null }),
        .. CutMixKeys.All,
        Option<bool>("fold", recipe => recipe.Fold ? true : null, recipe => recipe with { Fold = false }),
        Option<Scope>("scope", recipe => recipe.Scope, recipe => recipe with { Scope = null }),
        Option<Partners>("partners", recipe => recipe.Partners, recipe => recipe with { Partners = null }),
        Option<IReadOnlyList<string>>("layers", recipe => recipe.Layers, recipe => recipe with { Layers = null }),
        Option<double>("dropProbability", recipe => recipe.DropProbability, recipe => recipe with { DropProbability = null }),
        new("cleanTail", recipe => recipe.CleanTail > 0 ? recipe.CleanTail : null, recipe => recipe with { CleanTail = 0 }, method =>
            method is Mixer or FeatureMixer or Eraser),
        new("cleanHalf", recipe => recipe.CleanHalf ? true : null, recipe => recipe with { CleanHalf = false }, method => method is Mixer),
        new("decoupled", recipe => recipe.Decoupled != 0 ? recipe.Decoupled : null, recipe => recipe with { Decoupled = 0 }, method =>
            method is Mixer or FeatureMixer),
    ];

    private Type? Kind { get; init; }

    /// <summary>
    /// The methods of a stack on which the key has an effect: not those whose option the stack's name sets, and no erasers beside a mixer,
    /// to which the options of the recipe then belong.
    /// </summary>
    public IEnumerable<IMethod> PartsOf(MethodStack stack) => stack.Parts.Where(part => Acts(part)
        && !(Kind is not null && stack.Mixes && part is Eraser)
        && !(OptionOf(part) is { } option && stack.Named.Names.Any(name => name.Of(part) == option)));

    /// <summary>
    /// The option of a method that the key sets: the one with the same name and type (the α of ShakeDrop is an interval and does not
    /// count).
    /// </summary>
    public MethodOption? OptionOf(IMethod method) => Kind is null ? null : OptionOf(method, Name, Kind);

    /// <summary>Creates a key that sets the option of the same name in every method that has one of this type.</summary>
    public static MethodKey Option<T>(string name, Func<Recipe, object?> given, Func<Recipe, Recipe> without) =>
        new(name, given, without, method => OptionOf(method, name, typeof(T)) is not null) { Kind = typeof(T) };

    /// <summary>
    /// Checks a value against the range of the option that the key sets, in the first method of the catalogue that has it.
    /// </summary>
    /// <exception cref="ArgumentException">The value is out of range.</exception>
    public void Check(object value)
    {
        if (Methods.All.Select(method => method.Create()).FirstOrDefault(method => OptionOf(method) is not null) is { } owner)
            OptionOf(owner)!.With(owner, value);
    }

    private static MethodOption? OptionOf(IMethod method, string name, Type kind) =>
        MethodOption.Of(method).FirstOrDefault(option => option.Name == name && option.IsOf(kind));
}
