using Patchwork.Internals;

namespace Patchwork.Data;

/// <summary>
/// A folder of PNG, JPEG and WebP pictures, a sub-folder per class: <c>DIR/train/CLASS/*</c> and <c>DIR/test/CLASS/*</c> (or <c>val/</c> in
/// place of <c>test/</c>), or <c>DIR/CLASS/*</c>, of which a fixed fifth of each class becomes the test set. Classes are sorted by name
/// (ordinal), pictures too. Other files, and names that begin with a dot, are ignored.
/// </summary>
/// <remarks>
/// Every picture becomes RGB of <see cref="DataOptions.ImageSize"/> on both sides as <see cref="ImageDecoder"/> describes: transparency
/// over white, EXIF orientation applied, shorter side resized, middle square kept. A set of at most 1 GiB is decoded when opened, by all
/// processors; a larger one when read, and then only the headers are checked at open.
/// </remarks>
public sealed class ImageFolder : Dataset
{
    private const int DefaultSize = 64;
    private const long MemoryLimit = 1L << 30;
    private const double TestShare = 0.2;

    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".webp"];
    private static readonly string[] TestFolders = ["test", "val"];
    private static readonly Normalization ImageNet = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);

    private readonly int size;
    private readonly (string Path, int Label)[] examples;
    private readonly byte[]? pixels;      // null: decoded when read

    /// <summary>Opens one part.</summary>
    /// <param name="root">Folder of the class folders.</param>
    /// <param name="size">Rows and columns of the pictures.</param>
    /// <param name="skipDamaged">Leave damaged pictures out instead of refusing the folder.</param>
    /// <param name="memoryLimit">Bytes of the largest set that is decoded at open.</param>
    internal ImageFolder(string root, int size, bool skipDamaged, long memoryLimit = MemoryLimit)
    {
        this.size = size;
        ClassNames = Classes(root);
        if (ClassNames.Count < 2)
            throw new InputException($"{root} must hold a sub-folder for each of two or more classes. Received: "
                + (ClassNames.Count == 0 ? "no sub-folder" : $"only '{ClassNames[0]}'")
                + ". Sort the images into a folder per class, or name another folder by --data.");
        (string Path, int Label)[] found =
            [.. ClassNames.SelectMany((name, label) => Images(Path.Combine(root, name)).Select(path => (path, label)))];
        if ((long)found.Length * ImageBytes <= memoryLimit)
            pixels = new byte[found.Length * ImageBytes];
        var errors = new InputException?[found.Length];
        Parallel.For(0, found.Length, i => errors[i] = Open(found[i].Path, i));
        var damaged = errors.Count(error => error is not null);
        if (damaged > 0 && !skipDamaged)
            throw Refusal(errors.OfType<InputException>().First(), damaged);
        Damaged = [.. found.Where((_, i) => errors[i] is not null).Select(example => example.Path)];
        examples = damaged == 0 ? found : WithoutDamaged(found, errors);
        var seen = examples.Select(example => example.Label).ToHashSet();
        if (Enumerable.Range(0, ClassNames.Count).FirstOrDefault(label => !seen.Contains(label), -1) is var empty and >= 0)
            throw new InputException($"Every image of the class folder {Path.Combine(root, ClassNames[empty])} is damaged. "
                + "Replace them or remove the folder.");
    }

    /// <summary>Paths of the damaged pictures that were left out, in the order of the examples. Empty unless
    /// <see cref="DataOptions.SkipDamaged"/>.</summary>
    public IReadOnlyList<string> Damaged { get; }

    /// <inheritdoc/>
    public override int Count => examples.Length;

    /// <inheritdoc/>
    public override int Channels => 3;

    /// <inheritdoc/>
    public override int Height => size;

    /// <inheritdoc/>
    public override int Width => size;

    /// <inheritdoc/>
    public override IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public override Normalization Normalization => ImageNet;

    /// <inheritdoc/>
    public override bool InMemory => pixels is not null;

    /// <inheritdoc/>
    public override int Label(int index) => examples[index].Label;

    /// <summary>The picture's file.</summary>
    public string FilePath(int index) => examples[index].Path;

    /// <inheritdoc/>
    /// <exception cref="InputException">The set is decoded when read, and the file is damaged behind its header.</exception>
    public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch)
    {
        if (pixels is not null)
            return pixels.AsSpan(index * ImageBytes, ImageBytes);
        var output = scratch[..ImageBytes];
        ImageDecoder.Decode(examples[index].Path, size, size, output);
        return output;
    }

    /// <summary>The damaged pictures left out of a pair, or of <see cref="Subset"/>s of its parts: each path once. Empty for other data
    /// sets.</summary>
    public static IReadOnlyList<string> DamagedIn(DatasetPair pair) =>
        [.. new[] { pair.Train, pair.Test }.SelectMany(set => Source(set) is ImageFolder folder ? folder.Damaged : []).Distinct()];

    internal static DatasetPair Open(DataOptions options, long memoryLimit = MemoryLimit)
    {
        var root = options.Folder ?? throw new InputException("The data set 'folder' needs the folder of the images. Name it by --data.");
        var size = options.ImageSize ?? DefaultSize;
        if (size is < 8 or > 1024)
            throw new InputException($"The image size must lie in 8 to 1024. Received: {size}. Choose another by --image-size.");
        if (!Directory.Exists(root))
            throw new InputException($"The folder {root} does not exist. Name a folder with a sub-folder of images per class by --data.");
        var train = Path.Combine(root, "train");
        var test = TestFolders.Select(name => Path.Combine(root, name)).FirstOrDefault(Directory.Exists);
        if (Directory.Exists(train) && test is not null)
        {
            CheckSameClasses(train, test);
            return new("folder",
                new ImageFolder(train, size, options.SkipDamaged, memoryLimit),
                new ImageFolder(test, size, options.SkipDamaged, memoryLimit));
        }
        var whole = new ImageFolder(root, size, options.SkipDamaged, memoryLimit);
        var (kept, held) = HoldOut(whole, root);
        return new("folder", new Subset(whole, kept), new Subset(whole, held));
    }

    private static (int[] Kept, int[] Held) HoldOut(ImageFolder whole, string root)
    {
        try
        {
            return StratifiedSplit.Of(whole, TestShare);
        }
        catch (InputException error)
        {
            throw new InputException($"{root} must hold enough images to keep a fifth of each class as the test set. "
                + $"Received: {whole.Count} images of {whole.ClassNames.Count} classes. "
                + "Add images, or sort them into train/ and test/.", error);
        }
    }

    private static Dataset Source(Dataset set) => set is Subset subset ? Source(subset.Whole) : set;

    private static void CheckSameClasses(string train, string test)
    {
        var (trained, tested) = (Classes(train), Classes(test));
        if (trained.Except(tested).FirstOrDefault() is { } untested)
            throw Lone(untested, train, test);
        if (tested.Except(trained).FirstOrDefault() is { } untrained)
            throw Lone(untrained, test, train);

        static InputException Lone(string name, string present, string absent) => new(
            $"{present} and {absent} must hold the same classes. Received: '{name}' only in {present}. "
            + $"Add its images to {absent} or remove it.");
    }

    private static string[] Classes(string root) =>
        [.. Directory.EnumerateDirectories(root).Select(path => Path.GetFileName(path)!).Where(name => name[0] != '.')
            .Order(StringComparer.Ordinal)];

    private static string[] Images(string folder)
    {
        string[] paths = [.. Directory.EnumerateFiles(folder)
            .Where(path => Path.GetFileName(path)[0] != '.')
            .Where(path => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal)];
        return paths.Length > 0 ? paths : throw new InputException($"The class folder {folder} must hold PNG, JPEG or WebP images, directly "
            + "and not in sub-folders. Received: none. Add images or remove the folder.");
    }

    // Decodes, or checks the header of, one file. Returns what is wrong with it; a parallel loop would wrap an exception.
    private InputException? Open(string path, int slot)
    {
        try
        {
            if (pixels is null)
                ImageDecoder.CheckHeader(path);
            else
                ImageDecoder.Decode(path, size, size, pixels.AsSpan(slot * ImageBytes, ImageBytes));
            return null;
        }
        catch (InputException error)
        {
            return error;
        }
    }

    private static InputException Refusal(InputException first, int damaged) =>
        new(first.Message + (damaged > 1 ? $" {damaged - 1} more cannot be used either." : "")
            + " To leave such images out, pass --skip-damaged.", first);

    // Closes the gaps in the pixels too, so that an example's number is its place.
    private (string Path, int Label)[] WithoutDamaged((string Path, int Label)[] found, InputException?[] errors)
    {
        int[] kept = [.. Enumerable.Range(0, found.Length).Where(i => errors[i] is null)];
        for (var i = 0; i < kept.Length && pixels is not null; i++)
            Buffer.BlockCopy(pixels, kept[i] * ImageBytes, pixels, i * ImageBytes, ImageBytes);
        return [.. kept.Select(i => found[i])];
    }
}
