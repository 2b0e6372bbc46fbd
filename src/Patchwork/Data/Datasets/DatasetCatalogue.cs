namespace Patchwork.Data;

/// <summary>The catalogue of data sets. A new set needs one record in <see cref="All"/>; everything else is derived from it.</summary>
public static class DatasetCatalogue
{
    private const long MiB = 1 << 20;
    private const string FashionHome = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";

    /// <summary>Every data set, in the order in which they are listed.</summary>
    public static IReadOnlyList<DatasetSource> All { get; } =
    [
        new("clothing", "3,781 photographs of clothing in 10 classes, of 64×64, 32×32 by default",
            (_, options) => Clothing.Open(options))
        {
            DefaultSize = Clothing.DefaultSize,
        },
        new("shapes", "3,000 drawn pictures of 32×32 in 10 classes, with boxes and masks", (_, _) => Shapes.Open())
        {
            HasBoxes = true,
            HasMasks = true,
        },
        new DatasetSource("cifar10", "60,000 photographs of 32×32 in 10 classes", CifarBinary.OpenCifar10)
        {
            FolderNames = ["cifar-10-batches-bin"],
        }.PublishedAs(200 * MiB, File("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530")),
        new DatasetSource("cifar100", "60,000 photographs of 32×32 in 100 classes", CifarBinary.OpenCifar100)
        {
            FolderNames = ["cifar-100-binary"],
        }.PublishedAs(200 * MiB, File("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8")),
        // MNIST/raw is where PyTorch's downloads are. The authors' own page no longer serves the files; this is PyTorch's mirror of them.
        new DatasetSource("mnist", "70,000 handwritten digits, grey, 28×28", (folder, _) => IdxFiles.OpenMnist(folder))
        {
            FolderNames = ["mnist", "MNIST/raw"],
        }.PublishedAs(0,
            File("https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            File("https://ossci-datasets.s3.amazonaws.com/mnist/train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
            File("https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
            File("https://ossci-datasets.s3.amazonaws.com/mnist/t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c")),
        new DatasetSource("fashionmnist", "70,000 pictures of clothing, grey, 28×28", (folder, _) => IdxFiles.OpenFashionMnist(folder))
        {
            FolderNames = ["fashion-mnist", "FashionMNIST/raw"],
        }.PublishedAs(0,
            File(FashionHome + "train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            File(FashionHome + "train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
            File(FashionHome + "t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
            File(FashionHome + "t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310")),
        new DatasetSource("tinyimagenet", "110,000 photographs of 64×64 in 200 classes, with boxes",
            (folder, options) => TinyImageNet.Open(folder, options))
        {
            FolderNames = ["tiny-imagenet-200", "tiny-imagenet-20"],
            HasBoxes = true,
            DefaultSize = TinyImageNet.Side,
        }.PublishedAs(1024 * MiB, File("http://cs231n.stanford.edu/tiny-imagenet-200.zip", "90528d7ca1a48142e341f4ef8d21d0de")),
        new("folder", "your own pictures, one sub-folder per class", (_, options) => ImageFolder.Open(options))
        {
            HoldsOwnPictures = true,
            DefaultSize = ImageFolder.DefaultSize,
        },
        new("list", "your own pictures, named with their labels in a CSV or TSV file", (_, options) => ImageList.Open(options))
        {
            HoldsOwnPictures = true,
            DefaultSize = ImageFolder.DefaultSize,
        },
    ];

    /// <summary>Ids of the data sets.</summary>
    public static IReadOnlyList<string> Ids { get; } = [.. All.Select(set => set.Id)];

    /// <summary>The user's own pictures, in one folder per class.</summary>
    public static DatasetSource OwnPictures { get; } = All.First(set => set.HoldsOwnPictures);

    /// <summary>The user's own pictures, listed in a file.</summary>
    public static DatasetSource OwnList { get; } = All.Last(set => set.HoldsOwnPictures);

    /// <summary>Chooses the set of the user's own pictures for a path: the list if the path is a file, otherwise the folder.</summary>
    public static DatasetSource OwnAt(string path) => System.IO.File.Exists(path) ? OwnList : OwnPictures;

    /// <summary>
    /// The folder in which sets are looked up if <see cref="DataOptions.Data"/> is null: <c>$PATCHWORK_DATA</c>, else
    /// <c>~/.cache/patchwork/data</c>.
    /// </summary>
    public static string DefaultFolder => Environment.GetEnvironmentVariable("PATCHWORK_DATA") is { Length: > 0 } given ? given
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "patchwork", "data");

    /// <summary>Finds a data set by its id, ignoring case.</summary>
    /// <exception cref="InputException">The id is unknown.</exception>
    public static DatasetSource Find(string id) =>
        Known(id) ?? throw InputException.Unknown("data set", id, Ids);

    /// <summary>Finds the published files of a data set by its id.</summary>
    /// <exception cref="InputException">No data set of that id can be downloaded.</exception>
    public static PublishedSet FindDownload(string id)
    {
        PublishedSet[] sets = [.. All.Select(set => set.Download).OfType<PublishedSet>()];
        return Array.Find(sets, set => set.Id.Equals(id, StringComparison.OrdinalIgnoreCase))
            ?? throw InputException.Unknown("data set to download", id, [.. sets.Select(set => set.Id)]);
    }

    /// <summary>Opens a data set.</summary>
    /// <exception cref="InputException">The id is unknown, or the files are missing or damaged.</exception>
    public static DatasetPair Open(string id, DataOptions options) => Find(id).Open(options);

    /// <summary>
    /// The folder that <see cref="Open"/> reads a set from; null for one that has no folder, was not given the one it needs, or is unknown.
    /// </summary>
    internal static string? FolderOf(string id, string? data) => Known(id)?.FolderOf(data);

    private static DatasetSource? Known(string id) => All.FirstOrDefault(set => set.Id.Equals(id, StringComparison.OrdinalIgnoreCase));

    /// <summary>The ids of the sets that satisfy a condition, for messages: <c>a or b</c>.</summary>
    internal static string Either(Func<DatasetSource, bool> fits) => string.Join(" or ", All.Where(fits).Select(set => set.Id));

    private static PublishedFile File(string address, string md5) => new(new Uri(address), md5);
}
