using System.Globalization;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Regularization;

namespace Patchwork.Mixing;

/// <summary>
/// Methods that are used together, written as <c>cutmix+shakedrop</c>: at most one mixer (<c>mixup-or-cutmix</c> chooses one for each
/// batch), any number of erasers, regularizers of the network, and at most one label rule.
/// </summary>
public sealed record MethodStack
{
    private MethodStack(IReadOnlyList<IMethod> methods, MethodSettings named) => (Methods, Named) = (methods, named);

    /// <summary>The methods, in the order in which they are named.</summary>
    public IReadOnlyList<IMethod> Methods { get; }

    /// <summary>The options that are part of the stack's name; they take precedence over all others.</summary>
    internal MethodSettings Named { get; }

    /// <summary>The methods, with the mixers of a <see cref="OneOf"/> listed individually.</summary>
    internal IEnumerable<IMethod> Parts =>
        Methods.SelectMany(method => method is OneOf choice ? choice.Choices.Select(one => (IMethod)one.Mixer) : [method]);

    /// <summary>The mixer, which mixes pixels; null if there is none.</summary>
    public Mixer? Mixer => Methods.OfType<Mixer>().SingleOrDefault();

    /// <summary>The method that mixes features; null if there is none.</summary>
    public FeatureMixer? FeatureMixer => Methods.OfType<FeatureMixer>().SingleOrDefault();

    /// <summary>The erasers, in order.</summary>
    public IReadOnlyList<Eraser> Erasers => [.. Methods.OfType<Eraser>()];

    /// <summary>The methods that act inside the network.</summary>
    public ModelOptions ModelOptions => new() { Regularizers = [.. Methods.OfType<BranchRegularizer>()] };

    /// <summary>The label rule; null if there is none.</summary>
    public LabelRule? LabelRule => Methods.OfType<LabelRule>().SingleOrDefault();

    /// <summary>True when pixels are mixed or erased, so that the effect is visible in an image.</summary>
    public bool ChangesPixels => Mixer is not null || Erasers.Count > 0;

    /// <summary>The erasers and the mixer, acting on every image as far as they support it: what a preview shows.</summary>
    internal IReadOnlyList<IMethod> OnEveryImage =>
        [.. Erasers.Select(eraser => eraser with { Probability = 1 }), .. Methods.OfType<Mixer>().Select(mixer => mixer.ForEveryImage())];

    /// <summary>True when pixels or features are mixed; the probability is then that of the mixer.</summary>
    public bool Mixes => Mixer is not null || FeatureMixer is not null;

    /// <summary>
    /// Splits a list of names of stacks at its commas, except for those between the values of an option:
    /// <c>baseline,featurecutmix:layers=input,layer1</c> are two names.
    /// </summary>
    public static IReadOnlyList<string> Split(string names)
    {
        var split = new List<string>();
        foreach (var part in names.Split(',', StringSplitOptions.TrimEntries))
        {
            var id = part.Split('+', ':')[0].Split("-or-")[0];
            var begins = id.Equals(Mixing.Methods.Baseline, StringComparison.OrdinalIgnoreCase)
                || Mixing.Methods.All.Any(method => method.Id.Equals(id, StringComparison.OrdinalIgnoreCase));
            if (!begins && split.Count > 0 && split[^1].Split(':')[^1].Contains('='))
                split[^1] += $",{part}";
            else
                split.Add(part);
        }
        return split;
    }

    /// <summary>Parses the name of a stack; <c>baseline</c> is the stack without methods.</summary>
    /// <param name="names">
    /// Ids joined by <c>+</c>, each with any number of its options: <c>cutmix:alpha=0.25:probability=0.5+labelsmoothing</c>. Mixers to
    /// choose from are joined by <c>-or-</c>: equally likely, or each with a weight, of which only the proportion counts:
    /// <c>mixup:0.3-or-cutmix:0.7</c> is the same as <c>mixup:3-or-cutmix:7</c>.
    /// </param>
    /// <exception cref="InputException">
    /// A name or an option is unknown, a value is not valid, or the methods cannot be combined.
    /// </exception>
    public static MethodStack Parse(string names)
    {
        names = names.ToLowerInvariant();
        var options = new Dictionary<string, string>();
        IMethod One(string part)
        {
            if (part.Split(':') is not [var id, .. var named] || !named.All(option => option.Contains('=')))
                return Mixing.Methods.Find(part).Create();      // which explains what is wrong
            var method = Mixing.Methods.Find(id).Create();
            foreach (var option in named.Select(option => option.Split('=', 2)))
            {
                if (!options.TryAdd($"{method.Id}.{option[0]}", option[1]))
                    throw new InputException($"An option can be set only once. Received: {option[0]} twice in {part}.");
            }
            return method;
        }
        IMethod[] methods = names == Mixing.Methods.Baseline ? []
            : [.. names.Split('+').Select(part => part.Split("-or-") is { Length: > 1 } choices ? Chosen(part, choices, One) : One(part))];
        var settings = MethodSettings.Parse(options);
        return Of([.. methods.Select(method => Each(method, settings.Over))], names, settings);
    }

    /// <summary>
    /// The same methods with other options, except for those in the stack's name; the mixers of a <see cref="OneOf"/> are changed
    /// individually.
    /// </summary>
    /// <param name="options">Maps a method to the same method with its new options.</param>
    /// <exception cref="InputException">With these options, the methods cannot be combined.</exception>
    public MethodStack With(Func<IMethod, IMethod> options) => Of(
        [.. Methods.Select(method => Each(method, part => Named.Over(options(part))))],
        string.Join('+', Methods.Select(method => method.Id)), Named);

    private static IMethod Each(IMethod method, Func<IMethod, IMethod> options) => method is not OneOf choice ? options(method)
        : choice with { Choices = [.. choice.Choices.Select(one => one with { Mixer = (Mixer)options(one.Mixer) })] };

    private static MethodStack Of(IMethod[] methods, string names, MethodSettings named)
    {
        if (methods.GroupBy(method => method.Id).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new InputException($"A stack can contain each method only once. Received: {twice.Key} twice in {names}.");
        Refuse<Mixer>(methods, names, "a batch can be mixed only once; write mixup-or-cutmix to choose one for each batch");
        Refuse<FeatureMixer>(methods, names, "features are mixed at one layer per batch");
        if (methods.OfType<Mixer>().Any() && methods.OfType<FeatureMixer>().Any())
            throw new InputException($"Pixels and features of one batch cannot both be mixed: their labels would have two different λ. "
                + $"Received: {names}.");
        Refuse<LabelRule>(methods, names, "labels are changed only once");
        foreach (var point in methods.OfType<BranchRegularizer>().GroupBy(method => method.Point))
            Refuse<BranchRegularizer>([.. point], names, $"only one method can scale {ModelOptions.Named(point.Key)}");
        if (methods.FirstOrDefault(method =>
            method is not (Mixing.Mixer or Mixing.FeatureMixer or Eraser or BranchRegularizer or Regularization.LabelRule)) is { } idle)
            throw new InputException($"A method must mix pixels or features, erase, act in branches or change labels. "
                + $"Received: {idle.Id}, which does none of these.");
        return new(methods, named);
    }

    private static OneOf Chosen(string part, string[] choices, Func<string, IMethod> one)
    {
        var named = choices.Select(Weighed).ToArray();
        if (named.Select(choice => choice.Weight is null).Distinct().Count() > 1)
            throw new InputException($"Either every mixer to choose from has a weight or none does. Received: {part}.");
        if (named.GroupBy(choice => choice.Name.Split(':')[0]).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new InputException($"Each mixer to choose from can be named only once. Received: {twice.Key} twice in {part}. To "
                + "choose it more often, give it a weight: mixup:0.3-or-cutmix:0.7.");
        return new([.. named.Select(choice => new Choice(MixerOf(choice.Name), choice.Weight is { } text ? Weight(text) : 1))]);

        // What follows the last colon is an option if it has a value, otherwise the weight.
        static (string Name, string? Weight) Weighed(string choice) =>
            choice.LastIndexOf(':') is >= 0 and var colon && !choice[colon..].Contains('=') ? (choice[..colon], choice[(colon + 1)..])
            : (choice, null);
        Mixer MixerOf(string id) => one(id) as Mixer
            ?? throw new InputException($"Only methods that mix pixels can be chosen batch by batch. Received: {part}.");
        double Weight(string text) =>
            double.TryParse(text, CultureInfo.InvariantCulture, out var weight) && weight > 0 && double.IsFinite(weight) ? weight
            : throw new InputException($"The weight of a choice must be a positive number; only the proportion of the weights counts. "
                + $"Received: {text} in {part}.");
    }

    private static void Refuse<T>(IMethod[] methods, string names, string reason) where T : class
    {
        if (methods.OfType<T>().Count() > 1)
            throw new InputException($"{string.Join(" and ", methods.OfType<T>().Cast<IMethod>().Select(method => method.Id))} cannot "
                + $"be combined: {reason}. Received: {names}.");
    }
}
