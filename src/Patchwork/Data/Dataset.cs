using Patchwork.Imaging;
using Patchwork.Plans;
using SkiaSharp;

namespace Patchwork.Data;

/// <summary>
/// Labelled images of one size: unsigned bytes, planar (channel, row, column), in memory or decoded on request. Reading is thread-safe.
/// Derive from it to train on data from another source, or from <see cref="DatasetView"/> to change how a set is presented.
/// </summary>
public abstract class Dataset
{
    /// <summary>Number of examples.</summary>
    public abstract int Count { get; }

    /// <summary>Channels per image: 1 or 3.</summary>
    public abstract int Channels { get; }

    /// <summary>Rows per image.</summary>
    public abstract int Height { get; }

    /// <summary>Columns per image.</summary>
    public abstract int Width { get; }

    /// <summary>Names of the classes; a label is an index into this list.</summary>
    public abstract IReadOnlyList<string> ClassNames { get; }

    /// <summary>The normalization that networks for this set expect.</summary>
    public abstract Normalization Normalization { get; }

    /// <summary>Bytes of one image: channels · height · width.</summary>
    public int ImageBytes => Channels * Height * Width;

    /// <summary>The class of an example, 0 to <c>ClassNames.Count - 1</c>.</summary>
    public abstract int Label(int index);

    /// <summary>
    /// True if an example may have several classes or none. <see cref="Labels"/> then returns them, <see cref="Label"/> throws, and batches
    /// have a row of 0 and 1 for each example. Default false.
    /// </summary>
    public virtual bool IsMultiLabel => false;

    /// <summary>The classes of an example, ascending; only its <see cref="Label"/> unless <see cref="IsMultiLabel"/>.</summary>
    public virtual IReadOnlyList<int> Labels(int index) => [Label(index)];

    /// <summary>Number of examples of each class.</summary>
    internal int[] CountPerClass()
    {
        var counts = new int[ClassNames.Count];
        for (var i = 0; i < Count; i++)
        {
            if (!IsMultiLabel)
                counts[Label(i)]++;
            else
            {
                foreach (var label in Labels(i))
                    counts[label]++;
            }
        }
        return counts;
    }

    /// <summary>The names of an example's classes: <c>cat</c>, <c>cat|dog</c>, or empty for none.</summary>
    internal string ClassOf(int index) => string.Join('|', Labels(index).Select(label => ClassNames[label]));

    /// <summary>
    /// The pixels of an example, <see cref="ImageBytes"/> bytes, planar. A set in memory returns a view of its own store and leaves
    /// <paramref name="scratch"/> alone; a set that decodes fills <paramref name="scratch"/> and returns it.
    /// </summary>
    public abstract ReadOnlySpan<byte> Read(int index, Span<byte> scratch);

    /// <summary>
    /// Reads a part of the picture of an example, resized to the set's size. By default the picture is what <see cref="Read"/> returns; a
    /// set that decodes files overrides this to crop from the original picture in the file, which may be larger than the set's size.
    /// </summary>
    /// <param name="index">The example.</param>
    /// <param name="choose">Chooses the part, given the rows and the columns of the picture.</param>
    /// <param name="output">Receives <see cref="ImageBytes"/> bytes, planar like <see cref="Read"/>.</param>
    public virtual void ReadWindow(int index, Func<int, int, Window> choose, Span<byte> output)
    {
        var planar = Read(index, output);
        var rgba = new byte[4 * Height * Width];
        for (var channel = 0; channel < Channels; channel++)
        {
            for (var i = 0; i < Height * Width; i++)
                rgba[4 * i + channel] = planar[channel * Height * Width + i];
        }
        ImageDecoder.WriteUpright(rgba, Height, Width, SKEncodedOrigin.Default, choose, Height, Width, output, Channels);
    }

    /// <summary>True if <see cref="Read"/> returns a view of permanent memory, so that no scratch space is needed.</summary>
    public virtual bool InMemory => true;

    /// <summary>The file that an example comes from; null, the default, if examples have no files of their own.</summary>
    public virtual string? FilePath(int index) => null;

    /// <summary>The box around the object; null if the set does not know it.</summary>
    public virtual Box? ObjectBox(int index) => null;

    /// <summary>The object's mask, one byte per pixel (1 object, 0 background); empty if the set does not know it.</summary>
    public virtual ReadOnlySpan<byte> ObjectMask(int index) => [];
}

/// <summary>A data set as published, with its training and test parts.</summary>
/// <param name="Id">Id of the set in <see cref="DatasetCatalogue"/>.</param>
/// <param name="Train">Training examples.</param>
/// <param name="Test">Test examples; read once, after the fit.</param>
public sealed record DatasetPair(string Id, Dataset Train, Dataset Test)
{
    /// <summary>Examples that the set itself reserves for validation; null, the default, if it has none.</summary>
    public Dataset? Validation { get; init; }

    /// <summary>Notes on how the parts were found, each a sentence without its full stop. Default: none.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>How training and test were split, if the set has no test part of its own; null if it has one.</summary>
    internal CutTest? Cut { get; init; }

    /// <summary>The same pair with every part replaced by a view of it.</summary>
    internal DatasetPair Seen(Func<Dataset, Dataset> view) => this with
    {
        Train = view(Train),
        Test = view(Test),
        Validation = Validation is { } validation ? view(validation) : null,
    };

    /// <summary><see cref="Notes"/>, and how the test part was split off.</summary>
    internal IEnumerable<string> AllNotes => Cut is null ? Notes : Notes.Append(Cut.Note);
}

/// <summary>How a test part was split off from a set that has none.</summary>
/// <param name="Whole">The set.</param>
/// <param name="Note">How it was done, a sentence without its full stop.</param>
internal sealed record CutTest(Dataset Whole, string Note);
