using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Regularization;
using Patchwork.Schedules;

namespace Patchwork.Recipes;

/// <summary>
/// The strengths that change during a run: a recipe's <c>strengths</c>, one text each, such as <c>probability 0:0 30:1</c>, or
/// <c>alpha/step 0:0.2 10:1</c> to change every step instead of every epoch.
/// </summary>
public sealed record Strengths
{
    private static readonly string[] Known = ["probability", "alpha", "dropProbability", "labelSmoothing"];

    /// <summary>Probability that a batch is mixed, or that an image is erased if nothing mixes.</summary>
    public StrengthSchedule? Probability { get; private init; }

    /// <summary>α of λ ~ Beta(α, α).</summary>
    public StrengthSchedule? Alpha { get; private init; }

    /// <summary>Drop probability of DropBlock, stochastic depth or ShakeDrop.</summary>
    public StrengthSchedule? DropProbability { get; private init; }

    /// <summary>Label smoothing ε.</summary>
    public StrengthSchedule? LabelSmoothing { get; private init; }

    /// <summary>Reads a recipe's strengths.</summary>
    /// <exception cref="InputException">
    /// A text is not a schedule, a value is out of range, or a strength is both fixed and scheduled.
    /// </exception>
    internal static Strengths Of(Recipe recipe, MethodStack stack, MethodSettings settings)
    {
        var strengths = new Strengths();
        var seen = new HashSet<string>();
        foreach (var text in recipe.Strengths ?? [])
        {
            var (name, perStep, points) = Parts(text);
            if (!seen.Add(name))
                throw new InputException($"Each strength must have one schedule. Received: {name} twice.");
            var schedule = StrengthSchedule.Parse(points) with { PerStep = perStep };
            strengths = name switch
            {
                "probability" => strengths with { Probability = schedule },
                "alpha" => strengths with { Alpha = schedule },
                "dropProbability" => strengths with { DropProbability = schedule },
                _ => strengths with { LabelSmoothing = schedule },
            };
        }
        strengths.Check(recipe, stack, settings);
        return strengths;
    }

    /// <summary>The names of the strengths that a recipe schedules, in its order.</summary>
    internal static IEnumerable<string> NamesOf(Recipe recipe) => (recipe.Strengths ?? []).Select(text => Parts(text).Name);

    /// <summary>True if a strength has an effect on a method or on the loss.</summary>
    internal static bool Acts(string name, MethodStack stack) =>
        name == "labelSmoothing" || stack.Parts.Any(method => Acts(name, stack, method));

    /// <summary>The methods that a strength needs, in words.</summary>
    internal static string Needed(string name) => name switch
    {
        "probability" => "a method that mixes or erases",
        "alpha" => "a method that mixes",
        _ => $"one of {string.Join(", ", Methods.All.Where(method => method.Create() is BranchRegularizer).Select(method => method.Id))}",
    };

    // In a stack with a mixer, the probability belongs to the mixer.
    private static bool Acts(string name, MethodStack stack, IMethod method) => (name, method) switch
    {
        ("probability" or "alpha", Mixer or FeatureMixer) => true,
        ("probability", Eraser) => !stack.Mixes,
        ("dropProbability", BranchRegularizer) => true,
        ("labelSmoothing", LabelRule) => true,
        _ => false,
    };

    private static (string Name, bool PerStep, string Points) Parts(string text)
    {
        var (head, points) = text.Trim().Split(' ', 2) is [var first, var rest] ? (first, rest) : (text.Trim(), "");
        var perStep = head.EndsWith("/step", StringComparison.OrdinalIgnoreCase);
        var name = perStep ? head[..^"/step".Length] : head;
        return Known.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } known ? (known, perStep, points)
            : throw InputException.Unknown("strength", name, Known);
    }

    private void Check(Recipe recipe, MethodStack stack, MethodSettings settings)
    {
        Require(Probability, "probability", recipe.Probability);
        Require(Alpha, "alpha", recipe.Alpha);
        Require(DropProbability, "dropProbability", recipe.DropProbability);
        Require(LabelSmoothing, "labelSmoothing", recipe.LabelSmoothing > 0 ? recipe.LabelSmoothing : null);
        if (LabelSmoothing is not null && recipe.Loss == LossKind.Focal)
            throw new InputException($"The strength labelSmoothing needs a loss other than focal. Received: loss {recipe.Loss}.");

        void Require(StrengthSchedule? schedule, string name, double? fixedValue)
        {
            if (schedule is null)
                return;
            foreach (var (_, value) in schedule.Points)
                CheckValue(name, value);
            if (fixedValue is { } constant)
                throw new InputException(FormattableString.Invariant(
                    $"{name} must be either fixed or scheduled. Received: {name} = {constant} and a schedule. Omit one of them."));
            var option = name == "labelSmoothing" ? "epsilon" : name;
            var set = settings.Names.FirstOrDefault(one =>
                one.Name == option && stack.Parts.Any(method => one.Of(method) is not null && Acts(name, stack, method)));
            if (set is { Name: not null })
                throw new InputException($"{name} must be either fixed or scheduled. Received: the option {set} and a schedule of {name}. "
                    + "Omit one of them.");
        }
    }

    // Checks a value against the range of the scheduled quantity.
    private static void CheckValue(string name, double value)
    {
        try
        {
            if (name == "labelSmoothing")
                _ = new CrossEntropy { LabelSmoothing = value };
            else
                MethodKey.All.Single(key => key.Name == name).Check(value);
        }
        catch (ArgumentException error)
        {
            throw new InputException(
                FormattableString.Invariant($"The strength {name} cannot be {value}: {InputException.ReasonAlone(error)}"), error);
        }
    }
}
