using Patchwork.Imaging;

namespace Patchwork.Data;

/// <summary>
/// Pictures in files, converted to square RGB images of one size as <see cref="ImageDecoder"/> describes: transparency over white, EXIF
/// orientation applied, shorter side resized, middle square kept. A set of at most 1 GiB is decoded when it is opened, on all processors. A
/// larger set is decoded when it is read, and only the headers are checked when it is opened, unless damaged pictures are to be left out,
/// which only decoding can find.
/// </summary>
public abstract class ImageFiles : Dataset
{
    /// <summary>Maximum number of bytes of a set that is decoded when it is opened.</summary>
    internal const long MemoryLimit = 1L << 30;

    private readonly int size;
    private readonly double centerCrop;
    private readonly bool scaled;
    private readonly (string Path, int[] Labels)[] examples;
    private readonly byte[]? pixels;      // null: decoded when read

    /// <summary>Opens the pictures.</summary>
    /// <param name="classNames">Names of the classes.</param>
    /// <param name="found">The examples, at least one of each class.</param>
    /// <param name="size">Rows and columns of the pictures.</param>
    /// <param name="options">Whether damaged pictures are left out instead of rejecting the set, and how pictures are decoded.</param>
    /// <param name="memoryLimit">Maximum number of bytes of a set that is decoded when it is opened.</param>
    /// <param name="normalization">Null means ImageNet's.</param>
    /// <param name="leftOut">Files that are not used, besides the examples.</param>
    private protected ImageFiles(string[] classNames, (string Path, int Label)[] found, int size, DataOptions options, long memoryLimit,
        Normalization? normalization, IReadOnlyList<LeftOutFile> leftOut)
        : this(classNames, [.. found.Select(one => (one.Path, new[] { one.Label }))], isMultiLabel: false, size, options, memoryLimit,
            normalization, leftOut)
    { }

    /// <summary>Opens pictures that may have several classes.</summary>
    /// <param name="classNames">Names of the classes.</param>
    /// <param name="found">The examples with their classes, ascending; at least one of each class.</param>
    /// <param name="isMultiLabel">True if an example may have several classes or none.</param>
    /// <param name="size">Rows and columns of the pictures.</param>
    /// <param name="options">Whether damaged pictures are left out instead of rejecting the set, and how pictures are decoded.</param>
    /// <param name="memoryLimit">Maximum number of bytes of a set that is decoded when it is opened.</param>
    /// <param name="normalization">Null means ImageNet's.</param>
    /// <param name="leftOut">Files that are not used, besides the examples.</param>
    private protected ImageFiles(string[] classNames, (string Path, int[] Labels)[] found, bool isMultiLabel, int size, DataOptions options,
        long memoryLimit, Normalization? normalization, IReadOnlyList<LeftOutFile> leftOut)
    {
        IsMultiLabel = isMultiLabel;
        (this.size, centerCrop, scaled) = (size, options.CenterCrop, options.ScaledDecoding);
        Normalization = normalization ?? Normalization.ImageNet;
        var skipDamaged = options.SkipDamaged;
        ClassNames = classNames;
        if ((long)found.Length * ImageBytes <= memoryLimit)
            pixels = new byte[found.Length * ImageBytes];
        var errors = new InputException?[found.Length];
        Parallel.For(0, found.Length, () => pixels is null && skipDamaged ? new byte[ImageBytes] : [], (i, _, unused) =>
        {
            errors[i] = Open(found[i].Path, pixels is null ? unused : pixels.AsSpan(i * ImageBytes, ImageBytes));
            return unused;
        }, _ => { });
        var damaged = errors.Count(error => error is not null);
        if (damaged > 0 && !skipDamaged)
            throw Refusal(errors.OfType<InputException>().First(), damaged);
        LeftOut = [.. found.Index().Where(one => errors[one.Index] is not null)
            .Select(one => new LeftOutFile(one.Item.Path, ReasonOf(one.Item.Path), errors[one.Index]!.Message)), .. leftOut];
        examples = damaged == 0 ? found : WithoutDamaged(found, errors);
        var seen = examples.SelectMany(example => example.Labels).ToHashSet();
        if (Array.Find(found, example => !example.Labels.All(seen.Contains)) is { Path: { } lost } example)
            throw new InputException($"Every image of the class '{classNames[example.Labels.First(label => !seen.Contains(label))]}' in "
                + $"{Path.GetDirectoryName(lost)} is damaged. Replace them or remove the class.");
    }

    /// <summary>
    /// The files that are not used: first the damaged pictures that were left out, in the order of the examples (none unless
    /// <see cref="DataOptions.SkipDamaged"/>), then other files in the folders.
    /// </summary>
    public IReadOnlyList<LeftOutFile> LeftOut { get; }

    /// <inheritdoc/>
    public sealed override int Count => examples.Length;

    /// <inheritdoc/>
    public sealed override int Channels => 3;

    /// <inheritdoc/>
    public sealed override int Height => size;

    /// <inheritdoc/>
    public sealed override int Width => size;

    /// <inheritdoc/>
    public sealed override IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public sealed override Normalization Normalization { get; }

    /// <inheritdoc/>
    public sealed override bool InMemory => pixels is not null;

    /// <inheritdoc/>
    public sealed override bool IsMultiLabel { get; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Examples of the set may have several classes; use <see cref="Labels"/>.</exception>
    public sealed override int Label(int index) => !IsMultiLabel ? examples[index].Labels[0]
        : throw new InvalidOperationException("An example of this set may have several classes or none. Use Labels.");

    /// <inheritdoc/>
    public sealed override IReadOnlyList<int> Labels(int index) => examples[index].Labels;

    /// <summary>The picture's file.</summary>
    public sealed override string FilePath(int index) => examples[index].Path;

    /// <inheritdoc/>
    /// <exception cref="InputException">The set is decoded when read, and the file is damaged after its header.</exception>
    public sealed override ReadOnlySpan<byte> Read(int index, Span<byte> scratch)
    {
        if (pixels is not null)
            return pixels.AsSpan(index * ImageBytes, ImageBytes);
        var output = scratch[..ImageBytes];
        ImageDecoder.Decode(examples[index].Path, size, size, output, Channels, centerCrop, scaled);
        return output;
    }

    /// <inheritdoc/>
    public sealed override void ReadWindow(int index, Func<int, int, Window> choose, Span<byte> output) =>
        ImageDecoder.DecodeWindow(examples[index].Path, size, size, output, choose, scaled);

    /// <summary>The files that are not used by a pair, or by views of its parts: each path once. Empty for other data sets.</summary>
    public static IReadOnlyList<LeftOutFile> LeftOutOf(DatasetPair pair) =>
        [.. new[] { pair.Train, pair.Validation, pair.Test }.OfType<Dataset>()
            .SelectMany(set => Source(set) is ImageFiles files ? files.LeftOut : []).DistinctBy(file => file.Path)];

    /// <summary>
    /// <see cref="DataOptions.ScaledDecoding"/> of a set or of a view of one, for sets that are used together with it; the default if the
    /// set does not consist of image files.
    /// </summary>
    internal static bool DecodesScaled(Dataset set) => Source(set) is not ImageFiles { scaled: false };

    // The file has the name of a picture, so it is either of an unsupported format or damaged.
    private static LeftOutReason ReasonOf(string refused) =>
        PictureListing.ReasonByContent(refused) is LeftOutReason.FormatNotRead ? LeftOutReason.FormatNotRead : LeftOutReason.Damaged;

    private static Dataset Source(Dataset set) => set is DatasetView view ? Source(view.Whole) : set;

    // Decodes one file, or checks its header if there is no memory for its pixels. Returns the error instead of throwing it, because a
    // parallel loop would wrap the exception.
    private InputException? Open(string path, Span<byte> output)
    {
        try
        {
            if (output.IsEmpty)
                ImageDecoder.CheckHeader(path);
            else
                ImageDecoder.Decode(path, size, size, output, Channels, centerCrop, scaled);
            return null;
        }
        catch (InputException error)
        {
            return error;
        }
    }

    private static InputException Refusal(InputException first, int damaged) =>
        new(first.Message + (damaged > 1 ? $" {damaged - 1} more cannot be used either." : "")
            + " To omit such images, set `SkipDamaged`.", first);

    // Closes the gaps in the pixels too, so that an example's index is its position.
    private (string Path, int[] Labels)[] WithoutDamaged((string Path, int[] Labels)[] found, InputException?[] errors)
    {
        int[] kept = [.. Enumerable.Range(0, found.Length).Where(i => errors[i] is null)];
        for (var i = 0; i < kept.Length && pixels is not null; i++)
            Buffer.BlockCopy(pixels, kept[i] * ImageBytes, pixels, i * ImageBytes, ImageBytes);
        return [.. kept.Select(i => found[i])];
    }
}
