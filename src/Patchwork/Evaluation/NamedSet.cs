using Patchwork.Data;

namespace Patchwork.Evaluation;

/// <summary>A data set as an option of a suite names it: <c>cifar10</c>, or with its folder <c>folder=DIR</c>.</summary>
/// <param name="Id">Its id in <see cref="DatasetCatalogue"/>.</param>
/// <param name="Folder">Its folder; null for the one where sets are looked for.</param>
/// <param name="Name">Its name in results: the folder's own where one is given, else the id; in lower case.</param>
internal sealed record NamedSet(string Id, string? Folder, string Name)
{
    /// <summary>
    /// Texts of several sets from one with commas between them. A comma that no data set's name follows belongs to a folder's path.
    /// </summary>
    public static IReadOnlyList<string> Several(string text)
    {
        var sets = new List<string>();
        foreach (var part in text.Split(','))
        {
            var name = part.Trim().Split('=', ':')[0];
            if (sets.Count > 0 && sets[^1].Contains('=') && !DatasetCatalogue.Ids.Contains(name, StringComparer.OrdinalIgnoreCase))
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

    /// <summary>The set.</summary>
    /// <param name="imageSize">Rows and columns where the set leaves them open; null for its default.</param>
    /// <param name="beside">The set that it is compared with: image files are decoded in the same way.</param>
    /// <exception cref="InputException">The name is unknown, or the files are missing or damaged.</exception>
    public DatasetPair Open(int? imageSize, Dataset beside) => DatasetCatalogue.Open(Id, Options(imageSize, beside));

    /// <summary>Its test images for what needs no labels: of a folder all pictures that lie in it, or in its test part.</summary>
    /// <inheritdoc cref="Open"/>
    public Dataset OpenImages(int? imageSize, Dataset beside) => Id == DatasetCatalogue.OwnPictures.Id
        ? ImageFolder.OpenWithoutClasses(Options(imageSize, beside)) : Open(imageSize, beside).Test;

    private DataOptions Options(int? imageSize, Dataset beside) => new()
    {
        Data = Folder,
        ImageSize = imageSize,
        ScaledDecoding = ImageFiles.DecodesScaled(beside),
    };
}
