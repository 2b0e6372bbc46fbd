using System.Globalization;
using Patchwork.Data;
using Patchwork.Formats;
using Patchwork.Losses;

namespace Patchwork.Recipes;

/// <summary>
/// The key <c>classWeights</c>: <c>balanced</c>, <c>effective</c>, <c>effective:0.9999</c>, or a file of classes and weights.
/// </summary>
internal static class RecipeClassWeights
{
    private const string BalancedName = "balanced", EffectiveName = "effective";

    /// <summary>True if the text is a name rather than a file.</summary>
    public static bool IsName(string text) => IsLowerName(text.ToLowerInvariant());

    private static bool IsLowerName(string text) => text == BalancedName || text == EffectiveName
        || text.StartsWith(EffectiveName + ":", StringComparison.Ordinal);

    /// <summary>A loss with the class weights of a recipe.</summary>
    /// <param name="loss">The recipe's loss.</param>
    /// <param name="text">The key's value; null leaves the loss as it is.</param>
    /// <param name="train">The training set.</param>
    /// <exception cref="InputException">The file cannot be used, or the loss does not support class weights.</exception>
    public static Loss Over(Loss loss, string? text, Dataset train)
    {
        if (text is null)
            return loss;
        var weights = Of(text, train);
        return loss switch
        {
            // Divided by N, so that the mix of two losses equals the loss of the mixed target.
            CrossEntropy entropy => entropy with { ClassWeights = weights, DivideByWeights = false },
            Focal focal => focal with { ClassWeights = weights },
            // With several labels, "balanced" balances positives and negatives within each class; otherwise classes are weighted against
            // each other.
            BinaryCrossEntropy binary when train.IsMultiLabel && text == BalancedName => binary with { PositiveWeights = NoToYes(train) },
            BinaryCrossEntropy binary => binary with { ClassWeights = weights },
            _ => throw new InputException($"Class weights need the loss crossentropy, binary or focal. Received: {loss.GetType().Name}."),
        };
    }

    /// <summary>β of a value that names effective weights.</summary>
    /// <exception cref="InputException">It is out of range.</exception>
    public static double BetaOf(string text) => !text.Contains(':') ? ClassWeighting.DefaultBeta
        : double.TryParse(text.Split(':', 2)[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var beta)
            && beta is >= 0 and < 1 ? beta
            : throw new InputException($"`ClassWeights` effective:β must have a β in [0, 1), such as effective:0.9999. Received: {text}.");

    private static IReadOnlyList<double> Of(string text, Dataset train)
    {
        if (!IsName(text))
            return Read(text, train.ClassNames);
        var counts = train.CountPerClass();
        if (Array.IndexOf(counts, 0) is >= 0 and var absent)
            throw new InputException("Class weights need at least one training image per class. Received: none of "
                + $"'{train.ClassNames[absent]}'. Add one, or remove the class.");
        return text == BalancedName ? ClassWeighting.Balanced(counts) : ClassWeighting.Effective(counts, BetaOf(text));
    }

    private static double[] NoToYes(Dataset train) =>
        [.. train.CountPerClass().Select(count => (train.Count - count) / (double)count)];

    // Reads one class and its weight per line.
    private static double[] Read(string path, IReadOnlyList<string> classes)
    {
        var weights = new double?[classes.Count];
        foreach (var (line, cells) in DelimitedText.Read(path).Rows)
        {
            var label = cells.Count == 2 ? classes.Select(ClassName.Composed).ToList().IndexOf(ClassName.Composed(cells[0])) : -1;
            var isNumber = double.TryParse(cells[^1], NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && weight >= 0
                && double.IsFinite(weight);
            if (line == 1 && label < 0 && !isNumber)
                continue;      // a header
            if (label < 0 || !isNumber || weights[label] is not null)
                throw new InputException($"{path} must have one class and its weight (0 or more) per line, each class once. Received in "
                    + $"line {line}: {string.Join(", ", cells)}. The classes are {string.Join(", ", classes)}.");
            weights[label] = weight;
        }
        string[] missing = [.. classes.Where((_, label) => weights[label] is null)];
        return missing.Length == 0 && weights.Any(weight => weight > 0) ? [.. weights.Select(weight => weight!.Value)]
            : throw new InputException($"{path} must have a weight for each class, not all 0. Received none for "
                + $"{(missing.Length > 0 ? string.Join(", ", missing) : "any")}.");
    }
}
