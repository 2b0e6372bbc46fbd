using Patchwork.Data;
using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary>A data set as named in an option of a suite: <c>cifar10</c>, or with its folder, <c>folder=DIR</c>.</summary>
/// <param name="Id">Its id in <see cref="DatasetCatalogue"/>.</param>
/// <param name="Folder">Its folder; null for the folder in which data sets are looked up.</param>
/// <param name="Name">Its name in results, in lower case: the name of the folder if one is given, otherwise the id.</param>
internal sealed record NamedSet(string Id, string? Folder, string Name)
{
    /// <summary>Names of the sets whose test images can be opened: those of the catalogue, and the textures.</summary>
    private static IReadOnlyList<string> Names => [.. DatasetCatalogue.Ids, OutSet.Textures];

    /// <summary>
    /// Splits a comma-separated list of sets. A comma that is not followed by the name of a data set is part of a folder's path.
    /// </summary>
    public static IReadOnlyList<string> Several(string text)
    {
        var sets = new List<string>();
        foreach (var part in text.Split(','))
        {
            var name = part.Trim().Split('=', ':')[0];
            if (sets.Count > 0 && sets[^1].Contains('=') && !Names.Contains(name, StringComparer.OrdinalIgnoreCase))
                sets[^1] += $",{part}";
            else if (part.Trim().Length > 0)
                sets.Add(part.TrimStart());
        }
        return [.. sets.Select(set => set.TrimEnd())];
    }

    public static NamedSet Parse(string text)
    {
        var parts = text.Split('=', 2);
        var name = parts.Length == 2 ? Path.GetFileName(Path.TrimEndingDirectorySeparator(parts[1])) : parts[0];
        return new NamedSet(parts[0].ToLowerInvariant(), parts.ElementAtOrDefault(1), name.ToLowerInvariant());
    }

    /// <summary>Opens the set.</summary>
    /// <param name="imageSize">Rows and columns of the images if the set does not define them; null for its default.</param>
    /// <param name="beside">The set that it is compared with; image files are decoded in the same way.</param>
    /// <exception cref="InputException">The name is unknown, or the files are missing or damaged.</exception>
    public DatasetPair Open(int? imageSize, Dataset beside) => DatasetCatalogue.Open(Id, Options(imageSize, beside));

    /// <summary>
    /// Opens its test images for measurements that need no labels: all images of a folder, or of the folder's test part. Of the textures
    /// there are as many as images in <paramref name="beside"/>, in its size.
    /// </summary>
    /// <inheritdoc cref="Open"/>
    public Dataset OpenImages(int? imageSize, Dataset beside)
    {
        if (!Names.Contains(Id))
            throw InputException.Unknown("out-of-distribution set", Id, [.. Names]);
        return Id == OutSet.Textures ? OutSet.CutTextures(beside, beside.Count, new SeedStream(0))
            : Id == DatasetCatalogue.OwnPictures.Id ? ImageFolder.OpenWithoutClasses(Options(imageSize, beside))
            : Open(imageSize, beside).Test;
    }

    private DataOptions Options(int? imageSize, Dataset beside) => new()
    {
        Data = Folder,
        ImageSize = imageSize,
        ScaledDecoding = ImageFiles.DecodesScaled(beside),
    };
}
