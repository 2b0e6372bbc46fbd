using Patchwork.Imaging;
using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>Some examples of another set, in the order of the indices given.</summary>
public sealed class Subset(Dataset whole, IReadOnlyList<int> indices) : Dataset
{
    /// <summary>The set that the examples come from.</summary>
    public Dataset Whole => whole;

    /// <inheritdoc/>
    public override int Count => indices.Count;

    /// <inheritdoc/>
    public override int Channels => whole.Channels;

    /// <inheritdoc/>
    public override int Height => whole.Height;

    /// <inheritdoc/>
    public override int Width => whole.Width;

    /// <inheritdoc/>
    public override IReadOnlyList<string> ClassNames => whole.ClassNames;

    /// <inheritdoc/>
    public override Normalization Normalization => whole.Normalization;

    /// <inheritdoc/>
    public override bool InMemory => whole.InMemory;

    /// <inheritdoc/>
    public override int Label(int index) => whole.Label(indices[index]);

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch) => whole.Read(indices[index], scratch);

    internal override void ReadWindow(int index, Func<int, int, Window> choose, Span<byte> output) => whole.ReadWindow(indices[index], choose, output);

    /// <inheritdoc/>
    public override Box? ObjectBox(int index) => whole.ObjectBox(indices[index]);

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> ObjectMask(int index) => whole.ObjectMask(indices[index]);
}

/// <summary>Splits a set in two so that every class keeps its share. The split is the same for every seed: results of different seeds
/// compare.</summary>
public static class StratifiedSplit
{
    /// <summary>A fixed choice of <paramref name="count"/> examples, every class by its share; the whole set when it has no more.</summary>
    /// <exception cref="InputException">The count is less than a class each.</exception>
    public static Dataset Some(Dataset set, int count)
    {
        if (count >= set.Count)
            return set;
        var classes = Enumerable.Range(0, set.Count).Select(set.Label).Distinct().Count();
        if (count < classes)
            throw new InputException($"A subset must have an image for each of the {classes} classes. Received: {count}. Ask for more (--subset, --limit).");
        return new Subset(set, Of(set, (double)count / set.Count).Validation);
    }

    /// <summary>Indices of the two parts, ascending.</summary>
    /// <param name="set">The set to split.</param>
    /// <param name="share">Share of each class, in (0, 1), that goes to the second part; at least one example of a class stays in the
    /// first.</param>
    public static (int[] Train, int[] Validation) Of(Dataset set, double share)
    {
        if (share is not (> 0 and < 1))
            throw new InputException(FormattableString.Invariant($"The validation share must lie between 0 and 1. Received: {share}."));
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
                + "Ask for a larger one with --validation.");
        return ([.. Enumerable.Range(0, set.Count).Where(i => !validation.Contains(i))], [.. validation.Order()]);
    }
}
