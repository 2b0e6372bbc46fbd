using Patchwork.Internals;

namespace Patchwork.Data;

/// <summary>How a data set is opened.</summary>
public sealed record DataOptions
{
    /// <summary>The set's own folder or its parent; null looks in <c>$PATCHWORK_DATA</c>, then in <c>~/.cache/patchwork/data</c>.</summary>
    public string? Folder { get; init; }

    /// <summary>Rows and columns that a folder's images are brought to. Range 8 to 1024; null: 64. Sets of one size ignore it.</summary>
    public int? ImageSize { get; init; }

    /// <summary>
    /// Share of the sides of a picture's middle square that is kept, for sets of image files. Range (0, 1]. Default 1. 0.875 is the usual "resize to
    /// 256, keep 224".
    /// </summary>
    public double CenterCrop
    {
        get;
        init => field = value is > 0 and <= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), FormattableString.Invariant($"center crop must lie in (0, 1]. Received: {value}."));
    } = 1;

    /// <summary>Leave damaged image files out instead of refusing the set. Default false.</summary>
    public bool SkipDamaged { get; init; }
}

/// <summary>The catalogue of data sets.</summary>
public static class DatasetCatalogue
{
    /// <summary>Names of the data sets.</summary>
    public static IReadOnlyList<string> Ids { get; } = ["shapes", "cifar10", "cifar100", "mnist", "fashionmnist", "tinyimagenet", "folder"];

    /// <summary>
    /// Where sets are looked for without <see cref="DataOptions.Folder"/>: <c>$PATCHWORK_DATA</c>, else <c>~/.cache/patchwork/data</c>.
    /// </summary>
    public static string DefaultFolder => Environment.GetEnvironmentVariable("PATCHWORK_DATA")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "patchwork", "data");

    /// <summary>Opens a data set.</summary>
    /// <exception cref="InputException">The name is unknown, or the files are missing or damaged.</exception>
    public static DatasetPair Open(string id, DataOptions options) => id switch
    {
        "shapes" => Shapes.Open(),
        "cifar10" => CifarBinary.OpenCifar10(Locate(options, "cifar-10-batches-bin"), options),
        "cifar100" => CifarBinary.OpenCifar100(Locate(options, "cifar-100-binary"), options),
        "mnist" => IdxFiles.OpenMnist(Locate(options, "mnist", "MNIST/raw")),
        "fashionmnist" => IdxFiles.OpenFashionMnist(Locate(options, "fashion-mnist", "FashionMNIST/raw")),
        "tinyimagenet" => TinyImageNet.Open(Locate(options, "tiny-imagenet-200", "tiny-imagenet-20"), options),
        "folder" => ImageFolder.Open(options),
        _ => throw InputException.Unknown("data set", id, Ids),
    };

    // The set's own folder, by whatever name, or its parent. MNIST/raw is where PyTorch's downloads lie.
    private static string Locate(DataOptions options, params string[] names)
    {
        var given = options.Folder ?? DefaultFolder;
        return names.Select(name => Path.Combine(given, name)).FirstOrDefault(Directory.Exists) ?? given;
    }
}
