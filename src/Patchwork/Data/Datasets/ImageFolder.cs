using Patchwork.Imaging;

namespace Patchwork.Data;

/// <summary>
/// A folder of pictures with one sub-folder per class: <c>DIR/train/CLASS/*</c>, <c>DIR/val/CLASS/*</c> and <c>DIR/test/CLASS/*</c> (see
/// <see cref="FolderLayout"/> for other names and for parts that are missing), or <c>DIR/CLASS/*</c>, of which a fixed fifth of each class
/// becomes the test set. Classes and pictures are sorted by name (ordinal). Files that are not pictures are left out and listed.
/// </summary>
public sealed class ImageFolder : ImageFiles
{
    /// <summary>Rows and columns of the pictures if <see cref="DataOptions.ImageSize"/> is null.</summary>
    internal const int DefaultSize = 64;

    private const double TestShare = 0.2;

    /// <summary>Opens one part.</summary>
    /// <param name="root">The folder that contains the class folders.</param>
    /// <param name="size">Rows and columns of the pictures.</param>
    /// <param name="options">Whether damaged pictures are left out instead of rejecting the folder, and how pictures are decoded.</param>
    /// <param name="memoryLimit">Maximum number of bytes of a set that is decoded when it is opened.</param>
    /// <param name="normalization">Null means ImageNet's.</param>
    internal ImageFolder(string root, int size, DataOptions options, long memoryLimit = MemoryLimit, Normalization? normalization = null)
        : this(EnoughClasses(root), Loose(root), size, options, memoryLimit, normalization) { }

    private ImageFolder(ClassFolder[] classes, List<LeftOutFile> leftOut, int size, DataOptions options, long memoryLimit,
        Normalization? normalization)
        : base([.. classes.Select(one => one.Name)], [.. classes.SelectMany((one, label) => one.Pictures(leftOut)
            .Select(path => (path, label)))], size, options, memoryLimit, normalization, leftOut)
    { }

    internal static DatasetPair Open(DataOptions options, long memoryLimit = MemoryLimit)
    {
        var root = Root(options, "Set `Data` to it.");
        var size = options.SizeOr(DefaultSize);
        if (!Directory.Exists(root))
            throw new InputException($"The folder {root} does not exist. Set `Data` to a folder with one sub-folder of images per class.");
        var layout = FolderLayout.Of(root);
        ImageFolder Part(string folder) => new(folder, size, options, memoryLimit);
        if (layout.Test is not null)
        {
            CheckSameClasses(layout);
            return OfParts("folder", layout, Part);
        }
        var whole = Part(layout.Train);
        var (kept, held) = HoldOut(whole, root, "sort them into train/ and test/");
        return new("folder", new Subset(whole, kept), new Subset(whole, held))
        {
            Notes = layout.Notes,
            Cut = new(whole, "a fifth of each class is the test set, because there is no other"),
        };
    }

    /// <summary>
    /// Opens all pictures in a folder and the folders inside it, without regard to classes, for uses that need no labels. If the folder has
    /// a test part, only that part is opened.
    /// </summary>
    internal static Dataset OpenWithoutClasses(DataOptions options)
    {
        var root = Root(options, "Name it: folder=DIR.");
        if (!Directory.Exists(root))
            throw new InputException($"The folder {root} does not exist. Name a folder of pictures.");
        return new Unsorted(PictureListing.Under(FolderLayout.TestPartOf(root) ?? root), options.SizeOr(DefaultSize), options);
    }

    /// <summary>
    /// Opens a published set of <paramref name="classes"/> classes that is stored in <paramref name="root"/> as image files; null if there
    /// are no parts for training and test.
    /// </summary>
    internal static DatasetPair? OpenParts(string id, string root, int size, int classes, Normalization normalization, DataOptions options)
    {
        if (!Directory.Exists(root) || FolderLayout.Of(root) is not { Test: not null, Train: var train } layout)
            return null;
        CheckSameClasses(layout);
        if (Classes(train) is var names && names.Length != classes)
            throw new InputException($"{train} must hold the {classes} classes of {id}, one folder per class. "
                + $"Received: {names.Length} folders.");
        return OfParts(id, layout, folder => new ImageFolder(folder, size, options, MemoryLimit, normalization));
    }

    // For a folder with a test part.
    private static DatasetPair OfParts(string id, FolderLayout layout, Func<string, ImageFolder> open) =>
        new(id, open(layout.Train), open(layout.Test!))
        {
            Validation = layout.Validation is { } validation ? open(validation) : null,
            Notes = layout.Notes,
        };

    private static void CheckSameClasses(FolderLayout layout)
    {
        foreach (var part in new[] { layout.Test, layout.Validation }.OfType<string>())
            CheckSameClasses(layout.Train, part);
    }

    private static string Root(DataOptions options, string advice) => options.Data is { Length: > 0 } given ? given
        : throw new InputException($"The data set 'folder' needs the folder of the images. {advice}");

    /// <summary>Splits off a fifth of each class as the test set, for sets without one.</summary>
    /// <param name="whole">All images.</param>
    /// <param name="source">Where they come from, for messages.</param>
    /// <param name="advice">How to say which are the test images, for messages.</param>
    internal static SplitIndices HoldOut(Dataset whole, string source, string advice)
    {
        try
        {
            return StratifiedSplit.Of(whole, TestShare);
        }
        catch (InputException error)
        {
            throw new InputException($"{source} must hold enough images to keep a fifth of each class as the test set. "
                + $"Received: {whole.Count} images of {whole.ClassNames.Count} classes. Add images, or {advice}.", error);
        }
    }

    private static void CheckSameClasses(string train, string test)
    {
        string[] trained = [.. Classes(train).Select(one => one.Name)], tested = [.. Classes(test).Select(one => one.Name)];
        if (trained.Except(tested).FirstOrDefault() is { } untested)
            throw Lone(untested, train, test);
        if (tested.Except(trained).FirstOrDefault() is { } untrained)
            throw Lone(untrained, test, train);

        static InputException Lone(string name, string present, string absent) => new(
            $"{present} and {absent} must hold the same classes. Received: '{name}' only in {present}. "
            + $"Add its images to {absent} or remove it.");
    }

    private static ClassFolder[] EnoughClasses(string root)
    {
        var classes = Classes(root);
        return classes.Length >= 2 ? classes : throw new InputException(
            $"{root} must contain at least two sub-folders, one per class. Received: "
            + (classes.Length == 0 ? "no sub-folder" : $"only '{classes[0].Name}'")
            + ". Sort the images into one folder per class, or set `Data` to another folder.");
    }

    // é can be one letter or e and an accent, as macOS stores it; two such folders are one class.
    private static ClassFolder[] Classes(string root) =>
        [.. PictureListing.FoldersIn(root).GroupBy(path => ClassName.Composed(Path.GetFileName(path)))
            .Select(folders => new ClassFolder(folders.Key, [.. folders])).OrderBy(one => one.Name, StringComparer.Ordinal)];

    private static List<LeftOutFile> Loose(string root) => [.. PictureListing.LeftOut(root, LeftOutReason.WithoutClass)];

    private sealed record ClassFolder(string Name, IReadOnlyList<string> Folders)
    {
        public string[] Pictures(List<LeftOutFile> leftOut) => [.. Folders.SelectMany(folder => Images(folder, leftOut))];
    }

    /// <summary>The pictures in a class folder, sorted; at least one.</summary>
    internal static string[] Images(string folder, List<LeftOutFile> leftOut)
    {
        leftOut.AddRange(PictureListing.Folders(folder).Skip(1)
            .SelectMany(inner => PictureListing.LeftOut(inner, LeftOutReason.InSubFolder)));
        var paths = PictureListing.In(folder, leftOut);
        return paths.Length > 0 ? paths : throw new InputException(
            $"The class folder {folder} must hold {PictureFormat.Read} images, directly and not in sub-folders. "
            + "Received: none. Add images or remove the folder.");
    }

    private sealed class Unsorted(IReadOnlyList<string> pictures, int size, DataOptions options)
        : ImageFiles(["pictures"], [.. pictures.Select(path => (path, 0))], size, options, MemoryLimit, null, []);
}
