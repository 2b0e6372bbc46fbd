namespace Patchwork.Data;

/// <summary>A file of a data set at its official home.</summary>
/// <param name="Address">Where it is published.</param>
/// <param name="Md5">The checksum that its publisher gives, lower-case hexadecimal.</param>
public sealed record PublishedFile(Uri Address, string Md5)
{
    /// <summary>The file's name.</summary>
    public string Name => Path.GetFileName(Address.LocalPath);
}

/// <summary>A data set that can be downloaded.</summary>
/// <param name="Id">Name on the command line.</param>
/// <param name="Folder">Folder that it gets.</param>
/// <param name="Files">Its files; an archive is unpacked.</param>
/// <param name="UnpackedLimit">Bytes that its archive may expand to.</param>
public sealed record PublishedSet(string Id, string Folder, IReadOnlyList<PublishedFile> Files, long UnpackedLimit);

/// <summary>Where the data sets are published, and the checksums of what lies there.</summary>
public static class DownloadCatalogue
{
    private const long MiB = 1 << 20;

    /// <summary>All sets.</summary>
    public static IReadOnlyList<PublishedSet> All { get; } =
    [
        new("cifar10", "cifar-10-batches-bin",
            [File("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530")], 200 * MiB),
        new("cifar100", "cifar-100-binary",
            [File("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8")], 200 * MiB),
        // The authors' own page no longer serves the files; this is PyTorch's mirror of them.
        new("mnist", "mnist",
        [
            File("https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            File("https://ossci-datasets.s3.amazonaws.com/mnist/train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
            File("https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
            File("https://ossci-datasets.s3.amazonaws.com/mnist/t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
        ], 0),
        new("fashionmnist", "fashion-mnist",
        [
            File("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            File("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
            File("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
            File("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
        ], 0),
        new("tinyimagenet", "tiny-imagenet-200",
            [File("http://cs231n.stanford.edu/tiny-imagenet-200.zip", "90528d7ca1a48142e341f4ef8d21d0de")], 1024 * MiB),
    ];

    /// <summary>A set by its id.</summary>
    /// <exception cref="InputException">No set that can be downloaded has that name.</exception>
    public static PublishedSet Find(string id) => All.FirstOrDefault(set => set.Id == id)
        ?? throw InputException.Unknown("data set to download", id, [.. All.Select(set => set.Id)]);

    private static PublishedFile File(string address, string md5) => new(new Uri(address), md5);
}
