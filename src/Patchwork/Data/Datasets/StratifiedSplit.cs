using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>The two parts of a data set.</summary>
/// <param name="Train">Indices of the training examples, ascending.</param>
/// <param name="Validation">Indices of the held-out examples, ascending.</param>
public sealed record SplitIndices(IReadOnlyList<int> Train, IReadOnlyList<int> Validation);

/// <summary>
/// Splits a set in two so that every class keeps its share, with at least one example in each part where possible. The split is the same
/// for every seed, so results of different seeds are comparable.
/// </summary>
public static class StratifiedSplit
{
    /// <summary>
    /// Chooses a fixed subset of <paramref name="count"/> examples, in which every class keeps its share and at least one example; returns
    /// the whole set if it has no more.
    /// </summary>
    /// <exception cref="InputException">The count is less than one example per class.</exception>
    public static Dataset Some(Dataset set, int count)
    {
        if (count >= set.Count)
            return set;
        if (set.IsMultiLabel)
            return new Subset(set, PartOf(Deal(set, [(double)count / set.Count, 1 - (double)count / set.Count]), 0));
        var classes = Classes(set);
        if (count < classes.Count)
            throw new InputException($"A subset must have an image for each of the {classes.Count} classes. Received: {count}. "
                + "Ask for more images (`Subset`, `Limit`).");
        var taken = ByShare(classes, (double)count / set.Count);
        if (taken.Contains(0))
        {
            taken = [.. taken.Select(number => Math.Max(number, 1))];
            for (var over = taken.Sum() - count; over > 0; over--)
                taken[Array.IndexOf(taken, taken.Max())]--;      // the class that gives most gives up what the others get
            for (var under = count - taken.Sum(); under > 0; under--)
            {
                int[] left = [.. classes.Zip(taken, (one, number) => one.Members.Length - number)];
                taken[Array.IndexOf(left, left.Max())]++;
            }
        }
        return new Subset(set, Chosen(classes, taken));
    }

    /// <summary>
    /// Chooses a fixed subset of <paramref name="count"/> examples of each class, or all examples of a class that has no more. A larger
    /// subset contains a smaller one.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is less than 1.</exception>
    public static Dataset PerClass(Dataset set, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (set.IsMultiLabel)
            throw new InputException("A number of images per class needs images with one label each. Received: images with several. "
                + "Choose a total number of images (`Subset`).");
        var classes = Classes(set);
        return new Subset(set, Chosen(classes, [.. classes.Select(one => Math.Min(count, one.Members.Length))]));
    }

    /// <summary>Assigns each example to a part, from 0, so that every class and all examples are spread evenly over the parts.</summary>
    /// <param name="set">The set.</param>
    /// <param name="folds">Number of parts.</param>
    internal static int[] Folds(Dataset set, int folds)
    {
        if (set.IsMultiLabel)
            return Deal(set, [.. Enumerable.Repeat(1.0 / folds, folds)]);
        var (dealt, next) = (new int[set.Count], 0);
        foreach (var (label, members) in Classes(set))
        {
            foreach (var place in new SeedStream(0).Open("fold", 0, label).Permutation(members.Length))
                dealt[members[place]] = next++ % folds;
        }
        return dealt;
    }

    /// <summary>Indices of the two parts, ascending.</summary>
    /// <param name="set">The set to split.</param>
    /// <param name="share">
    /// Share of each class, in (0, 1), that goes to the validation part. A class of two or more examples has at least one in each part,
    /// which can make the validation part larger than its share; a class of one example keeps it in the training part.
    /// </param>
    /// <exception cref="InputException">The share is out of range, or leaves nothing for validation.</exception>
    public static SplitIndices Of(Dataset set, double share)
    {
        if (share is not (> 0 and < 1))
            throw new InputException("The validation share must lie between 0 and 1. "
                + FormattableString.Invariant($"Received: {share}. Choose another `Validation`."));
        if (set.IsMultiLabel)
        {
            if (set.Count < 2)
                throw new InputException("A validation share needs two training images. Received: one.");
            var dealt = Deal(set, [1 - share, share]);
            return new(PartOf(dealt, 0), PartOf(dealt, 1));
        }
        var classes = Classes(set);
        int[] taken = [.. ByShare(classes, share).Zip(classes, (number, one) => Math.Max(number, Math.Min(1, one.Members.Length - 1)))];
        var validation = Chosen(classes, taken);
        if (validation.Length == 0)
            throw new InputException(
                FormattableString.Invariant($"A validation share of {share} of {set.Count} training images leaves none, ")
                + "because every class has only one. Add images: a class needs two.");
        return new([.. Enumerable.Range(0, set.Count).Except(validation)], validation);
    }

    private static int[] PartOf(int[] dealt, int part) =>
        [.. dealt.Index().Where(one => one.Item == part).Select(one => one.Index)];

    private static int[] Deal(Dataset set, double[] shares) => IterativeStratification.Deal(
        [.. Enumerable.Range(0, set.Count).Select(set.Labels)], set.ClassNames.Count, shares);

    private static IReadOnlyList<(int Label, int[] Members)> Classes(Dataset set) =>
        [.. Enumerable.Range(0, set.Count).GroupBy(set.Label).OrderBy(members => members.Key)
            .Select(members => (members.Key, members.ToArray()))];

    // Stored results depend on this choice, so it must not change in cases where every class gets an example.
    private static int[] ByShare(IReadOnlyList<(int Label, int[] Members)> classes, double share)
    {
        var owed = 0.0;      // carried from class to class, so that the whole part has its share too
        return [.. classes.Select(one =>
        {
            var count = one.Members.Length;
            owed += count * share;
            // What classes of one example cannot give is not taken from larger classes: no class gives more than its own share, rounded up.
            var most = Math.Min((int)Math.Ceiling(count * share - 1e-9), count - 1);
            var taken = Math.Clamp((int)Math.Floor(owed + 1e-9), 0, most);
            owed -= taken;
            return taken;
        })];
    }

    // Chooses the given number of examples of each class; indices are ascending.
    private static int[] Chosen(IReadOnlyList<(int Label, int[] Members)> classes, int[] taken) =>
        [.. classes.Zip(taken, (one, number) => new SeedStream(0).Open("split", 0, one.Label).Permutation(one.Members.Length)[..number]
            .Select(position => one.Members[position])).SelectMany(chosen => chosen).Order()];
}
