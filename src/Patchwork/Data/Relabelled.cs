namespace Patchwork.Data;

/// <summary>The images of a set with its classes in another order: labels are matched by class name.</summary>
/// <param name="whole">The set.</param>
/// <param name="classNames">The same names in the new order.</param>
internal sealed class Relabelled(Dataset whole, IReadOnlyList<string> classNames) : DatasetView(whole)
{
    private readonly int[] labels = [.. whole.ClassNames.Select(name => IndexOf(classNames, name))];

    public override IReadOnlyList<string> ClassNames => classNames;

    public override int Label(int index) => labels[Whole.Label(index)];

    public override IReadOnlyList<int> Labels(int index) => [.. Whole.Labels(index).Select(label => labels[label]).Order()];

    /// <summary>
    /// Returns a pair with its classes in a given order: the pair itself if the order is the same, and null if the classes differ. Composed
    /// and decomposed letters (é in NFC and in NFD) count as the same.
    /// </summary>
    public static DatasetPair? To(DatasetPair pair, IReadOnlyList<string> classNames)
    {
        var own = pair.Train.ClassNames;
        if (own.Select(ClassName.Composed).SequenceEqual(classNames.Select(ClassName.Composed)))
            return pair;
        if (own.Count != classNames.Count || own.Any(name => IndexOf(classNames, name) < 0))
            return null;
        return pair.Seen(set => new Relabelled(set, classNames));
    }

    private static int IndexOf(IReadOnlyList<string> names, string name) =>
        names.Select(ClassName.Composed).ToList().IndexOf(ClassName.Composed(name));
}
