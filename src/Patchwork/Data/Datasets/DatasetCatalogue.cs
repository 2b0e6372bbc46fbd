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
    public static string DefaultFolder => Environment.GetEnvironmentVariable("PATCHWORK_DATA") is { Length: > 0 } given ? given
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "patchwork", "data");

    /// <summary>Opens a data set.</summary>
    /// <exception cref="InputException">The name is unknown, or the files are missing or damaged.</exception>
    public static DatasetPair Open(string id, DataOptions options) => id switch
    {
        "shapes" => Shapes.Open(),
        "cifar10" => CifarBinary.OpenCifar10(Locate(id, options.Folder), options),
        "cifar100" => CifarBinary.OpenCifar100(Locate(id, options.Folder), options),
        "mnist" => IdxFiles.OpenMnist(Locate(id, options.Folder)),
        "fashionmnist" => IdxFiles.OpenFashionMnist(Locate(id, options.Folder)),
        "tinyimagenet" => TinyImageNet.Open(Locate(id, options.Folder), options),
        "folder" => ImageFolder.Open(options),
        _ => throw InputException.Unknown("data set", id, Ids),
    };

    /// <summary>The folder that <see cref="Open"/> reads a set from; null for one that has no folder, or was not given the one it needs.</summary>
    internal static string? FolderOf(string id, string? folder) => id switch
    {
        _ when Names.ContainsKey(id) => Locate(id, folder),
        "folder" => folder,
        _ => null,
    };

    // Names of the sets' own folders. MNIST/raw is where PyTorch's downloads lie.
    private static readonly Dictionary<string, string[]> Names = new()
    {
        ["cifar10"] = ["cifar-10-batches-bin"],
        ["cifar100"] = ["cifar-100-binary"],
        ["mnist"] = ["mnist", "MNIST/raw"],
        ["fashionmnist"] = ["fashion-mnist", "FashionMNIST/raw"],
        ["tinyimagenet"] = ["tiny-imagenet-200", "tiny-imagenet-20"],
    };

    // The set's own folder, by whatever name, or its parent.
    private static string Locate(string id, string? folder)
    {
        var given = folder is { Length: > 0 } ? folder : DefaultFolder;
        return Names[id].Select(name => Path.Combine(given, name)).FirstOrDefault(Directory.Exists) ?? given;
    }
}
