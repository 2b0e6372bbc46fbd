using Patchwork.Imaging;
using Patchwork.Plans;

namespace Patchwork.Data;

/// <summary>
/// A data set that presents another one with changes. Every member forwards to the wrapped set; a derived class overrides what it changes.
/// The wrapped set is not owned.
/// </summary>
public abstract class DatasetView : Dataset
{
    private readonly bool samePixels;

    /// <summary>Wraps a set.</summary>
    /// <param name="whole">The set.</param>
    /// <param name="samePixels">
    /// True, the default, if the images are those of <paramref name="whole"/>. False if <see cref="Read"/> makes others: they are then not
    /// in memory, <see cref="ReadWindow"/> crops from what <see cref="Read"/> returns, and boxes and masks of the objects are not known.
    /// </param>
    protected DatasetView(Dataset whole, bool samePixels = true) => (Whole, this.samePixels) = (whole, samePixels);

    /// <summary>The wrapped set.</summary>
    public Dataset Whole { get; }

    /// <inheritdoc/>
    public override int Count => Whole.Count;

    /// <inheritdoc/>
    public override int Channels => Whole.Channels;

    /// <inheritdoc/>
    public override int Height => Whole.Height;

    /// <inheritdoc/>
    public override int Width => Whole.Width;

    /// <inheritdoc/>
    public override IReadOnlyList<string> ClassNames => Whole.ClassNames;

    /// <inheritdoc/>
    public override Normalization Normalization => Whole.Normalization;

    /// <inheritdoc/>
    public override bool InMemory => samePixels && Whole.InMemory;

    /// <inheritdoc/>
    public override bool IsMultiLabel => Whole.IsMultiLabel;

    /// <inheritdoc/>
    public override IReadOnlyList<int> Labels(int index) => Whole.Labels(WholeIndex(index));

    /// <inheritdoc/>
    public override int Label(int index) => Whole.Label(WholeIndex(index));

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch) => Whole.Read(WholeIndex(index), scratch);

    /// <inheritdoc/>
    public override void ReadWindow(int index, Func<int, int, Window> choose, Span<byte> output)
    {
        if (samePixels)
            Whole.ReadWindow(WholeIndex(index), choose, output);
        else
            base.ReadWindow(index, choose, output);
    }

    /// <inheritdoc/>
    public override string? FilePath(int index) => Whole.FilePath(WholeIndex(index));

    /// <inheritdoc/>
    public override Box? ObjectBox(int index) => samePixels ? Whole.ObjectBox(WholeIndex(index)) : null;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> ObjectMask(int index) => samePixels ? Whole.ObjectMask(WholeIndex(index)) : [];

    /// <summary>Maps an index of this set to the index in a set that it presents, directly or through other views.</summary>
    internal int IndexIn(Dataset set, int index) =>
        Whole == set || Whole is not DatasetView view ? WholeIndex(index) : view.IndexIn(set, WholeIndex(index));

    /// <summary>Maps an index of this set to the index in the wrapped set. Default: the same index.</summary>
    protected virtual int WholeIndex(int index) => index;
}
