using Patchwork.Internals;
using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Regularization;
using Patchwork.Schedules;

namespace Patchwork.Recipes;

/// <summary>
/// The strengths that change over a run: a recipe's <c>strengths</c>, one text each, as <c>probability 0:0 30:1</c>, or <c>alpha/step 0:0.2 10:1</c> to
/// follow every step instead of every epoch.
/// </summary>
public sealed record Strengths
{
    private static readonly string[] Names = ["probability", "alpha", "dropProbability", "labelSmoothing"];

    /// <summary>Chance that a batch is mixed, or an image erased where nothing mixes.</summary>
    public StrengthSchedule? Probability { get; private init; }

    /// <summary>α of λ ~ Beta(α, α).</summary>
    public StrengthSchedule? Alpha { get; private init; }

    /// <summary>Drop probability of DropBlock, stochastic depth or ShakeDrop.</summary>
    public StrengthSchedule? DropProbability { get; private init; }

    /// <summary>Label smoothing ε.</summary>
    public StrengthSchedule? LabelSmoothing { get; private init; }

    /// <summary>Reads a recipe's strengths and checks that each has something to act on.</summary>
    /// <exception cref="InputException">A text is no schedule, a value lies outside its range, or there is nothing that has this strength.</exception>
    public static Strengths Of(Recipe recipe, MethodStack stack)
    {
        var strengths = new Strengths();
        var seen = new HashSet<string>();
        foreach (var text in recipe.Strengths ?? [])
        {
            var (head, points) = text.Trim().Split(' ', 2) is [var first, var rest] ? (first, rest) : (text.Trim(), "");
            var name = head.EndsWith("/step", StringComparison.Ordinal) ? head[..^"/step".Length] : head;
            if (!Names.Contains(name))
                throw InputException.Unknown("strength", name, Names);
            if (!seen.Add(name))
                throw new InputException($"Each strength has one schedule. Received: {name} twice.");
            var schedule = StrengthSchedule.Parse(points) with { PerStep = name != head };
            strengths = name switch
            {
                "probability" => strengths with { Probability = schedule },
                "alpha" => strengths with { Alpha = schedule },
                "dropProbability" => strengths with { DropProbability = schedule },
                _ => strengths with { LabelSmoothing = schedule },
            };
        }
        strengths.Check(recipe, stack);
        return strengths;
    }

    private void Check(Recipe recipe, MethodStack stack)
    {
        var mixes = stack.Mixer is not null || stack.FeatureMixer is not null;
        Require(Probability, "probability", value => value is >= 0 and <= 1, "from 0 to 1", mixes || stack.Erasers.Count > 0, "a method that mixes or erases", recipe.Probability);
        Require(Alpha, "alpha", value => value > 0, "positive", mixes, "a method that mixes", recipe.Alpha);
        Require(DropProbability, "dropProbability", value => value is >= 0 and <= 1, "from 0 to 1", stack.Methods.Any(method => method is BranchRegularizer),
            "dropblock, stochasticdepth or shakedrop", recipe.DropProbability);
        Require(LabelSmoothing, "labelSmoothing", value => value is >= 0 and < 1, "from 0 to 1, 1 excluded", recipe.Loss != LossKind.Focal,
            "a loss other than focal", recipe.LabelSmoothing > 0 ? recipe.LabelSmoothing : null);

        void Require(StrengthSchedule? schedule, string name, Func<double, bool> allowed, string range, bool acts, string needed, double? fixedValue)
        {
            if (schedule is null)
                return;
            foreach (var (_, value) in schedule.Points.Where(point => !allowed(point.Value)))
                throw new InputException(FormattableString.Invariant($"The values of the strength {name} must be {range}. Received: {value}."));
            if (!acts)
                throw new InputException($"The strength {name} needs {needed}. Received: method {recipe.Method}, loss {recipe.Loss}.");
            if (fixedValue is { } constant)
                throw new InputException(FormattableString.Invariant($"{name} is either fixed or scheduled. Received: {name} = {constant} and a schedule of it; leave one out."));
        }
    }
}
