namespace Patchwork.Data;

/// <summary>Some examples of another set, in the order of the indices given.</summary>
/// <param name="whole">The set that the examples come from.</param>
/// <param name="indices">Their indices in it.</param>
public sealed class Subset(Dataset whole, IReadOnlyList<int> indices) : DatasetView(whole)
{
    /// <inheritdoc/>
    public override int Count => indices.Count;

    /// <inheritdoc/>
    protected override int WholeIndex(int index) => indices[index];
}
