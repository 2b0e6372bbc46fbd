using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>The two parts of a data set.</summary>
/// <param name="Train">Indices of the training examples, ascending.</param>
/// <param name="Validation">Indices of the held-out examples, ascending.</param>
public sealed record SplitIndices(IReadOnlyList<int> Train, IReadOnlyList<int> Validation);

/// <summary>
/// Splits a set in two so that every class keeps its share. The split is the same for every seed, so results of different seeds compare.
/// </summary>
public static class StratifiedSplit
{
    /// <summary>A fixed choice of <paramref name="count"/> examples, every class by its share; the whole set when it has no more.</summary>
    /// <exception cref="InputException">The count is less than one example per class.</exception>
    public static Dataset Some(Dataset set, int count)
    {
        if (count >= set.Count)
            return set;
        var classes = Enumerable.Range(0, set.Count).Select(set.Label).Distinct().Count();
        if (count < classes)
            throw new InputException($"A subset must have an image for each of the {classes} classes. Received: {count}. "
                + "Ask for more images (`Subset`, `Limit`).");
        return new Subset(set, Of(set, (double)count / set.Count).Validation);
    }

    /// <summary>Indices of the two parts, ascending.</summary>
    /// <param name="set">The set to split.</param>
    /// <param name="share">
    /// Share of each class, in (0, 1), that goes to the validation part; at least one example of each class stays in the training part.
    /// </param>
    /// <exception cref="InputException">The share is out of range, or leaves nothing for validation.</exception>
    public static SplitIndices Of(Dataset set, double share)
    {
        if (share is not (> 0 and < 1))
            throw new InputException("The validation share must lie between 0 and 1. "
                + FormattableString.Invariant($"Received: {share}. Choose another `Validation`."));
        var validation = new HashSet<int>();
        var classes = Enumerable.Range(0, set.Count).GroupBy(set.Label).OrderBy(group => group.Key);
        var owed = 0.0;      // carried from class to class, so that the whole part has its share too
        foreach (var members in classes)
        {
            int[] examples = [.. members];
            owed += examples.Length * share;
            // What classes of one example cannot give is not taken from a larger one: no class gives more than its own share, rounded up.
            var most = Math.Min((int)Math.Ceiling(examples.Length * share - 1e-9), examples.Length - 1);
            var taken = Math.Clamp((int)Math.Floor(owed + 1e-9), 0, most);
            owed -= taken;
            foreach (var position in new SeedStream(0).Open("split", 0, members.Key).Permutation(examples.Length)[..taken])
                validation.Add(examples[position]);
        }
        if (validation.Count == 0)
            throw new InputException(
                FormattableString.Invariant($"A validation share of {share} of {set.Count} training images leaves none. ")
                + "Choose a larger `Validation`.");
        return new([.. Enumerable.Range(0, set.Count).Where(i => !validation.Contains(i))], [.. validation.Order()]);
    }
}
