namespace Patchwork.Data;

/// <summary>
/// A data set of <see cref="DatasetCatalogue"/>: everything that the library and the command line know about it before it is opened.
/// </summary>
public sealed record DatasetSource
{
    private readonly Func<string, DataOptions, DatasetPair> open;

    /// <summary>A data set.</summary>
    /// <param name="id">See <see cref="Id"/>.</param>
    /// <param name="title">See <see cref="Title"/>.</param>
    /// <param name="open">Opens the set from its folder, which is empty for a set without <see cref="FolderNames"/>.</param>
    internal DatasetSource(string id, string title, Func<string, DataOptions, DatasetPair> open) =>
        (Id, Title, this.open) = (id, title, open);

    /// <summary>Its name in recipes and on the command line.</summary>
    public string Id { get; }

    /// <summary>What it contains, in one line.</summary>
    public string Title { get; }

    /// <summary>
    /// Names that its folder may have inside the folder of all sets; a download creates the first one. Empty for a set that is embedded or
    /// holds the user's own pictures.
    /// </summary>
    public IReadOnlyList<string> FolderNames { get; internal init; } = [];

    /// <summary>True for the user's own pictures, which are opened from the folder that <see cref="DataOptions.Data"/> names.</summary>
    public bool HoldsOwnPictures { get; internal init; }

    /// <summary>True for a set that is part of the library and has no folder.</summary>
    public bool IsEmbedded => !HoldsOwnPictures && FolderNames.Count == 0;

    /// <summary>
    /// Rows and columns of its images if <see cref="DataOptions.ImageSize"/> is null; null for a set whose images have a fixed size.
    /// </summary>
    public int? DefaultSize { get; internal init; }

    /// <summary>True if <see cref="DataOptions.ImageSize"/> sets the size of the images.</summary>
    public bool IsResizable => DefaultSize is not null;

    /// <summary>True if the set knows the boxes around its objects (<see cref="Dataset.ObjectBox"/>).</summary>
    public bool HasBoxes { get; internal init; }

    /// <summary>True if the set knows the masks of its objects (<see cref="Dataset.ObjectMask"/>).</summary>
    public bool HasMasks { get; internal init; }

    /// <summary>Its files at their official source; null if there is nothing to download.</summary>
    public PublishedSet? Download { get; private init; }

    /// <summary>Where it comes from: the address of its first file, <c>embedded</c> or <c>your own pictures</c>.</summary>
    public string Home => Download?.Files[0].Address.ToString() ?? (HoldsOwnPictures ? "your own pictures" : "embedded");

    /// <summary>Opens the set.</summary>
    /// <exception cref="InputException">Its files are missing or damaged.</exception>
    public DatasetPair Open(DataOptions options) => open(FolderOf(options.Data) ?? "", options);

    /// <summary>
    /// The folder that <see cref="Open"/> reads from when <see cref="DataOptions.Data"/> is <paramref name="data"/>; null for a set that
    /// has no folder, or was not given the one that it needs.
    /// </summary>
    public string? FolderOf(string? data)
    {
        if (HoldsOwnPictures || IsEmbedded)
            return HoldsOwnPictures ? data : null;
        var given = data is { Length: > 0 } ? data : DatasetCatalogue.DefaultFolder;
        return FolderNames.Select(name => Path.Combine(given, name)).FirstOrDefault(Directory.Exists) ?? given;
    }

    /// <summary>The set with its published files.</summary>
    /// <param name="unpackedLimit">Maximum number of bytes that an archive may unpack to; 0 if there is no archive.</param>
    /// <param name="files">The files.</param>
    internal DatasetSource PublishedAs(long unpackedLimit, params IReadOnlyList<PublishedFile> files) =>
        this with { Download = new PublishedSet(Id, FolderNames[0], files, unpackedLimit) };
}
