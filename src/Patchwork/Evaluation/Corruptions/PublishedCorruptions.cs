using Patchwork.Data;
using Patchwork.Formats;

namespace Patchwork.Evaluation;

/// <summary>
/// CIFAR-10-C or CIFAR-100-C as published: a folder with one file per corruption, such as <c>fog.npy</c>, of unsigned bytes, images × rows
/// × columns × 3, with the five severities one after the other, and <c>labels.npy</c> with one label per image (50,000 images of 32×32 as
/// published). Images are read on demand.
/// </summary>
public sealed class PublishedCorruptions : IDisposable
{
    private readonly Dictionary<Corruption, NpyFile> files = [];
    private readonly string folder;
    private readonly int[] labels;

    private PublishedCorruptions(string folder, int[] labels) => (this.folder, this.labels) = (folder, labels);

    /// <summary>The kinds for which there are files: at least the 15 main ones.</summary>
    public IReadOnlyList<Corruption> Kinds => [.. Corruption.All.Where(files.ContainsKey)];

    /// <summary>Paths of the files that are read.</summary>
    internal IEnumerable<string> Files =>
        Kinds.Select(kind => Path.Combine(folder, $"{kind.Id}.npy")).Append(Path.Combine(folder, "labels.npy"));

    /// <summary>Number of images used per kind and severity, stratified by class; null, the default, for all.</summary>
    public int? Limit { get; init; }

    /// <summary>Opens a folder. The caller disposes the result.</summary>
    /// <param name="folder">The folder of the files.</param>
    /// <param name="limit">See <see cref="Limit"/>.</param>
    /// <exception cref="InputException">A file is missing, damaged, or does not fit the others.</exception>
    public static PublishedCorruptions Open(string folder, int? limit = null)
    {
        var opened = new PublishedCorruptions(folder, Labels(Path.Combine(folder, "labels.npy"))) { Limit = limit };
        try
        {
            foreach (var kind in Corruption.All)
            {
                var path = Path.Combine(folder, $"{kind.Id}.npy");
                if (File.Exists(path))
                    opened.files.Add(kind, opened.Images(path));
                else if (kind.Main)
                    throw Missing(path);
            }
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>The images of a kind and severity, with the classes and the normalization of another set.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="severity">Range: 1 to 5.</param>
    /// <param name="like">The set that the network was tested on.</param>
    /// <exception cref="InputException">The images differ in size from the set's, or a label is not one of its classes.</exception>
    public Dataset Of(Corruption kind, int severity, Dataset like)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(severity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(severity, Corruption.Severities);
        var file = files[kind];
        if ((like.Channels, like.Height, like.Width) != (3, file.Shape[1], file.Shape[2]))
            throw new InputException($"The corrupted images must have the test set's size, {like.Height}×{like.Width} with "
                + $"{like.Channels} channels. "
                + $"Received: {file.Shape[1]}×{file.Shape[2]} with 3 channels in {folder}. Name the folder that belongs to the run's "
                    + "data set.");
        if (labels.Max() is var largest && largest >= like.ClassNames.Count)
            throw new InputException($"A label must be from 0 to {like.ClassNames.Count - 1}. Received: {largest} in "
                + $"{Path.Combine(folder, "labels.npy")}. "
                + "Name the folder that belongs to the run's data set.");
        var all = new Severity(like, file, labels, severity);
        return Limit is { } limit ? StratifiedSplit.Some(all, limit) : all;
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (var file in files.Values)
            file.Dispose();
    }

    private static int[] Labels(string path)
    {
        if (!File.Exists(path))
            throw Missing(path);
        using var file = NpyFile.Open(path);
        if (file.Shape is not [var count] || count == 0 || count % Corruption.Severities != 0)
            throw new InputException($"{path} must contain one row of labels, equally many for each of the {Corruption.Severities} "
                + $"severities. Received: {file.Form}. Download it again.");
        var labels = file.Integers();
        return labels.All(label => label is >= 0 and <= byte.MaxValue) ? [.. labels.Select(label => (int)label)]
            : throw new InputException($"A label must be from 0 to {byte.MaxValue}. Received: "
                + $"{labels.First(label => label is < 0 or > byte.MaxValue)} in {path}. Download it again.");
    }

    private NpyFile Images(string path)
    {
        var file = NpyFile.Open(path);
        var first = files.Values.FirstOrDefault();
        if (file is { ItemBytes: 1, Shape: [var count, > 0, > 0, 3] } && count == labels.Length
            && (first is null || file.Shape.SequenceEqual(first.Shape)))
            return file;
        file.Dispose();
        var expected = first is null ? $"({labels.Length}, rows, columns, 3), one image per label"
            : $"({string.Join(", ", first.Shape)}), like the other files";
        throw new InputException($"{path} must contain uint8 {expected}. Received: {file.Form}. Download it again.");
    }

    private static InputException Missing(string path) => new(
        $"The published corruptions need the file {path}, which does not exist. Unpack the published archive there, or omit "
            + "`CorruptionSuite.Published` to corrupt the test set itself.");

    /// <summary>One severity of a file.</summary>
    private sealed class Severity(Dataset like, NpyFile file, int[] labels, int severity) : DatasetView(like, samePixels: false)
    {
        private int First => (severity - 1) * Count;

        public override int Count => labels.Length / Corruption.Severities;

        public override int Label(int index) => labels[First + index];

        public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch)
        {
            var pixels = new byte[ImageBytes];
            file.Read((long)(First + index) * pixels.Length, pixels);
            var area = Height * Width;
            for (var i = 0; i < pixels.Length; i++)
                scratch[i % 3 * area + i / 3] = pixels[i];      // from interleaved colours to planes
            return scratch[..pixels.Length];
        }
    }
}
