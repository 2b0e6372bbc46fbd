namespace Patchwork.Data;

/// <summary>
/// A folder of PNG, JPEG and WebP pictures, a sub-folder per class: <c>DIR/train/CLASS/*</c> and <c>DIR/test/CLASS/*</c> (or <c>val/</c> in
/// place of <c>test/</c>), or <c>DIR/CLASS/*</c>, of which a fixed fifth of each class becomes the test set. Classes are sorted by name
/// (ordinal), pictures too. Other files, and names that begin with a dot, are ignored.
/// </summary>
public sealed class ImageFolder : ImageFiles
{
    /// <summary>Rows and columns of the pictures where <see cref="DataOptions.ImageSize"/> is null.</summary>
    internal const int DefaultSize = 64;

    private const double TestShare = 0.2;

    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".webp"];
    private static readonly string[] TestFolders = ["test", "val"];

    /// <summary>Opens one part.</summary>
    /// <param name="root">Folder of the class folders.</param>
    /// <param name="size">Rows and columns of the pictures.</param>
    /// <param name="options">Whether damaged pictures are left out instead of refusing the folder, and how pictures are decoded.</param>
    /// <param name="memoryLimit">Bytes of the largest set that is decoded at open.</param>
    /// <param name="normalization">Null: ImageNet's.</param>
    internal ImageFolder(string root, int size, DataOptions options, long memoryLimit = MemoryLimit, Normalization? normalization = null)
        : this(root, EnoughClasses(root), size, options, memoryLimit, normalization) { }

    private ImageFolder(string root, string[] classes, int size, DataOptions options, long memoryLimit, Normalization? normalization)
        : base(classes, [.. classes.SelectMany((name, label) => Images(Path.Combine(root, name)).Select(path => (path, label)))],
            size, options, memoryLimit, normalization)
    { }

    internal static DatasetPair Open(DataOptions options, long memoryLimit = MemoryLimit)
    {
        var root = options.Data ?? throw new InputException("The data set 'folder' needs the folder of the images. Set `Data` to it.");
        var size = options.SizeOr(DefaultSize);
        if (!Directory.Exists(root))
            throw new InputException($"The folder {root} does not exist. Set `Data` to a folder with one sub-folder of images per class.");
        if (Parts(root) is var (train, test))
        {
            CheckSameClasses(train, test);
            return new("folder",
                new ImageFolder(train, size, options, memoryLimit),
                new ImageFolder(test, size, options, memoryLimit));
        }
        var whole = new ImageFolder(root, size, options, memoryLimit);
        var (kept, held) = HoldOut(whole, root);
        return new("folder", new Subset(whole, kept), new Subset(whole, held));
    }

    /// <summary>
    /// A published set of <paramref name="classes"/> classes that lies in <paramref name="root"/> as image files, or null where there are
    /// no parts for training and test.
    /// </summary>
    internal static DatasetPair? OpenParts(string id, string root, int size, int classes, Normalization normalization, DataOptions options)
    {
        if (Parts(root) is not var (train, test))
            return null;
        CheckSameClasses(train, test);
        if (Classes(train) is var names && names.Length != classes)
            throw new InputException($"{train} must hold the {classes} classes of {id}, one folder per class. "
                + $"Received: {names.Length} folders.");
        return new(id,
            new ImageFolder(train, size, options, MemoryLimit, normalization),
            new ImageFolder(test, size, options, MemoryLimit, normalization));
    }

    private static (string Train, string Test)? Parts(string root)
    {
        var train = Path.Combine(root, "train");
        var test = TestFolders.Select(name => Path.Combine(root, name)).FirstOrDefault(Directory.Exists);
        return Directory.Exists(train) && test is not null ? (train, test) : null;
    }

    private static SplitIndices HoldOut(ImageFolder whole, string root)
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

    private static string[] EnoughClasses(string root)
    {
        var classes = Classes(root);
        return classes.Length >= 2 ? classes : throw new InputException(
            $"{root} must hold a sub-folder for each of two or more classes. Received: "
            + (classes.Length == 0 ? "no sub-folder" : $"only '{classes[0]}'")
            + ". Sort the images into one folder per class, or set `Data` to another folder.");
    }

    private static string[] Classes(string root) =>
        [.. Directory.EnumerateDirectories(root).Select(path => Path.GetFileName(path)!).Where(name => name[0] != '.')
            .Order(StringComparer.Ordinal)];

    /// <summary>The pictures in a class folder, sorted; at least one.</summary>
    internal static string[] Images(string folder)
    {
        string[] paths = [.. Directory.EnumerateFiles(folder)
            .Where(path => Path.GetFileName(path)[0] != '.')
            .Where(path => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal)];
        return paths.Length > 0 ? paths : throw new InputException(
            $"The class folder {folder} must hold PNG, JPEG or WebP images, directly and not in sub-folders. "
            + "Received: none. Add images or remove the folder.");
    }
}
