using System.Collections.Concurrent;
using System.IO.Compression;
using Patchwork.Imaging;

namespace Patchwork.Data;

/// <summary>
/// The embedded photographs: 2,781 training and 1,000 test pictures of clothing in ten classes, 100 to 682 training pictures per class,
/// stored as WebP of 64×64 and used at 32×32 by default. They are public domain (CC0 1.0); the archive holds the licence and the original
/// file name of each picture.
/// </summary>
/// <remarks>
/// Made from <c>alexeygrigorev/clothing-dataset-small</c>: the middle square, resized to 64×64. The split is this project's: stratified,
/// with near-duplicates in the same part. Pictures are ordered by class, then by name.
/// </remarks>
internal sealed class Clothing : Dataset
{
    /// <summary>The default number of rows and columns.</summary>
    public const int DefaultSize = 32;

    private const int StoredSide = 64, StoredBytes = 3 * StoredSide * StoredSide;

    private static readonly ConcurrentDictionary<int, Lazy<DatasetPair>> Decoded = new();      // by side

    private readonly int side;
    private readonly byte[] pixels, labels;

    private Clothing(int side, IReadOnlyList<Picture> pictures, string[] classNames)
    {
        (this.side, ClassNames) = (side, classNames);
        labels = [.. pictures.Select(picture => (byte)Array.IndexOf(classNames, picture.Class))];
        pixels = new byte[pictures.Count * ImageBytes];
        Parallel.For(0, pictures.Count, () => new byte[StoredBytes], (i, _, stored) =>
        {
            ImageDecoder.Decode(pictures[i].File, pictures[i].Name, StoredSide, StoredSide, stored, Channels, ImageDecoder.LargestPixels,
                (height, width) => new Window(0, 0, height, width));
            Average(stored, pixels.AsSpan(i * ImageBytes, ImageBytes));
            return stored;
        }, _ => { });
    }

    /// <summary>
    /// Opens the set at the requested size, 8 to 1024; it is decoded once per process and size. A size that divides 64 uses the means of
    /// square blocks of pixels; any other size is resampled from 64×64 when an image is read.
    /// </summary>
    /// <exception cref="InputException">The size is out of range.</exception>
    public static DatasetPair Open(DataOptions options)
    {
        var wanted = options.SizeOr(DefaultSize);
        if (StoredSide % wanted == 0)
            return Decoded.GetOrAdd(wanted, size => new(() => ReadArchive(size))).Value;
        var whole = Open(options with { ImageSize = StoredSide });
        Resized At(Dataset part) => new(part, wanted, wanted, part.Channels);
        return new DatasetPair(whole.Id, At(whole.Train), At(whole.Test));
    }

    public override int Count => labels.Length;

    public override int Channels => 3;

    public override int Height => side;

    public override int Width => side;

    public override IReadOnlyList<string> ClassNames { get; }

    public override Normalization Normalization { get; } = new([0.5350f, 0.4670f, 0.4558f], [0.2464f, 0.2394f, 0.2282f]);

    public override int Label(int index) => labels[index];

    public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch) => pixels.AsSpan(index * ImageBytes, ImageBytes);

    // The mean of each block of pixels, rounded to the nearest level.
    private void Average(ReadOnlySpan<byte> stored, Span<byte> small)
    {
        var block = StoredSide / side;
        for (var row = 0; row < 3 * side; row++)      // of all planes, one below the other
        {
            for (var column = 0; column < side; column++)
            {
                var sum = block * block / 2;
                for (var y = row * block; y < (row + 1) * block; y++)
                {
                    foreach (var level in stored.Slice(y * StoredSide + column * block, block))
                        sum += level;
                }
                small[row * side + column] = (byte)(sum / (block * block));
            }
        }
    }

    private sealed record Picture(string Name, string Part, string Class, byte[] File);

    private static DatasetPair ReadArchive(int side)
    {
        using var archive = new ZipArchive(typeof(Clothing).Assembly.GetManifestResourceStream("clothing-64.zip")!);
        Picture[] pictures = [.. archive.Entries.Where(entry => entry.Name.EndsWith(".webp", StringComparison.Ordinal))
            .OrderBy(entry => entry.FullName, StringComparer.Ordinal).Select(Read)];
        string[] classes = [.. pictures.Select(picture => picture.Class).Distinct()];
        Clothing Part(string part) => new(side, [.. pictures.Where(picture => picture.Part == part)], classes);
        return new DatasetPair("clothing", Part("train"), Part("test"));
    }

    private static Picture Read(ZipArchiveEntry entry)      // PART/CLASS/NAME.webp
    {
        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        stream.ReadExactly(bytes);
        var path = entry.FullName.Split('/');
        return new Picture(entry.FullName, path[0], path[1], bytes);
    }
}
