using Patchwork.Imaging;

namespace Patchwork.Data;

/// <summary>Why a file in a folder of pictures is not used.</summary>
public enum LeftOutReason
{
    /// <summary>A picture that cannot be decoded completely.</summary>
    Damaged,

    /// <summary>A picture of an unsupported format: HEIC, AVIF, TIFF and others.</summary>
    FormatNotRead,

    /// <summary>A picture in a folder inside a class's folder.</summary>
    InSubFolder,

    /// <summary>A picture next to the class folders, and therefore without a class.</summary>
    WithoutClass,

    /// <summary>A file that is not a picture.</summary>
    NotAPicture,

    /// <summary>A file or folder whose name begins with a dot, or <c>__MACOSX</c>, which macOS archives contain.</summary>
    Hidden,

    /// <summary>A row of a list that cannot be used.</summary>
    BadRow,
}

/// <summary>A file that is not used.</summary>
/// <param name="Path">The file.</param>
/// <param name="Reason">Why.</param>
/// <param name="Detail">What is wrong with a damaged picture, in a sentence; empty for other reasons.</param>
public sealed record LeftOutFile(string Path, LeftOutReason Reason, string Detail = "")
{
    /// <summary>True for a picture that the user probably wants to be used; false for other files among the pictures.</summary>
    public bool IsPicture => Reason is not (LeftOutReason.NotAPicture or LeftOutReason.Hidden);

    /// <summary>One line per reason, with the number of files and the first of them.</summary>
    public static IEnumerable<LeftOutSummary> Summaries(IEnumerable<LeftOutFile> files)
    {
        const int named = 3;
        return from alike in files.GroupBy(file => file.Reason).OrderBy(alike => alike.Key)
               let count = alike.Count()
               let first = string.Join(", ", alike.Take(named).Select(file => file.Path))
               select new LeftOutSummary($"left out {Name(alike.Key, count)}: {first}{(count > named ? ", …" : "")}",
                   alike.First().IsPicture);
    }

    /// <summary>The description of a number of files with a reason: "2 damaged images".</summary>
    public static string Name(LeftOutReason reason, int count)
    {
        var images = count == 1 ? "image" : "images";
        return reason switch
        {
            LeftOutReason.Damaged => $"{count} damaged {images}",
            LeftOutReason.BadRow => $"{count} {(count == 1 ? "row" : "rows")} of the list",
            LeftOutReason.FormatNotRead => $"{count} {images} of an unsupported format",
            LeftOutReason.InSubFolder => $"{count} {images} in folders inside a class folder",
            LeftOutReason.WithoutClass => $"{count} {images} next to the class folders",
            LeftOutReason.NotAPicture => $"{count} {(count == 1 ? "file that is not a picture" : "files that are not pictures")}",
            _ => $"{count} hidden {(count == 1 ? "file" : "files")}",
        };
    }
}

/// <summary>The files that are left out for one reason, in one line for the user.</summary>
/// <param name="Line">The line, without a full stop.</param>
/// <param name="ArePictures">See <see cref="LeftOutFile.IsPicture"/>.</param>
public sealed record LeftOutSummary(string Line, bool ArePictures);

/// <summary>Lists the pictures in folders: every file that the decoder can read, whatever its extension.</summary>
public static class PictureListing
{
    private static readonly string[] Endings = [".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif"];

    private static readonly string[] Lists = [".csv", ".tsv", ".txt"];

    /// <summary>
    /// Returns a single picture as it is; all pictures in a folder and the folders inside it, in ordinal order of their paths; or the
    /// pictures named in a list, in its order.
    /// </summary>
    /// <param name="path">A picture, a folder, or a list (<c>.csv</c>, <c>.tsv</c>, <c>.txt</c>).</param>
    /// <param name="options">How a list is read; null finds its columns by their usual names.</param>
    /// <param name="leftOut">Receives the files of a folder and the rows of a list that are not used; null if they are not needed.</param>
    /// <exception cref="InputException">The folder holds no picture, or the list cannot be used.</exception>
    public static IReadOnlyList<string> Under(string path, DataOptions? options = null, ICollection<LeftOutFile>? leftOut = null)
    {
        if (!Directory.Exists(path))
            return Lists.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase)
                ? ImageList.Files(path, options ?? new DataOptions(), leftOut) : [path];
        var others = new List<LeftOutFile>();
        string[] pictures = [.. Folders(path).SelectMany(folder => In(folder, others)).Order(StringComparer.Ordinal)];
        foreach (var other in leftOut is null ? [] : others)
            leftOut!.Add(other);
        return pictures.Length > 0 ? pictures
            : throw new InputException($"The folder {path} must hold {PictureFormat.Read} images. Received: none.");
    }

    /// <summary>The pictures directly in a folder, in ordinal order; other files are added to <paramref name="leftOut"/>.</summary>
    internal static string[] In(string folder, List<LeftOutFile> leftOut)
    {
        var pictures = new List<string>();
        foreach (var path in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
        {
            if (ReasonAgainst(path) is { } reason)
                leftOut.Add(new(path, reason));
            else
                pictures.Add(path);
        }
        return [.. pictures];
    }

    /// <summary>
    /// The pictures directly in a folder, as files left out for a given reason, and the other files there, each for its own reason.
    /// </summary>
    internal static IEnumerable<LeftOutFile> LeftOut(string folder, LeftOutReason reason)
    {
        var others = new List<LeftOutFile>();
        return [.. In(folder, others).Select(path => new LeftOutFile(path, reason)), .. others];
    }

    /// <summary>Folders in a folder that are not hidden, in ordinal order.</summary>
    internal static IEnumerable<string> FoldersIn(string folder) =>
        Directory.EnumerateDirectories(folder).Where(path => !IsHidden(path)).Order(StringComparer.Ordinal);

    /// <summary>A folder and all folders inside it that are not hidden. Links are not followed, because one may lead back here.</summary>
    internal static IEnumerable<string> Folders(string folder) =>
        FoldersIn(folder).Where(inner => new DirectoryInfo(inner).LinkTarget is null).SelectMany(Folders).Prepend(folder);

    /// <summary>Why a file is not used, judged by its name and its first bytes; null for a picture.</summary>
    internal static LeftOutReason? ReasonAgainst(string path)
    {
        if (IsHidden(path))
            return LeftOutReason.Hidden;
        return Endings.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase) ? null : ReasonByContent(path);
    }

    /// <summary>Why a file is not used, judged only by its first bytes; null for a picture of a supported format.</summary>
    internal static LeftOutReason? ReasonByContent(string path)
    {
        try
        {
            return PictureFormat.OfFile(path) switch
            {
                { IsRead: true } => null,
                null => LeftOutReason.NotAPicture,
                _ => LeftOutReason.FormatNotRead,
            };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return LeftOutReason.Damaged;
        }
    }

    private static bool IsHidden(string path) => Path.GetFileName(path) is ['.', ..] or "__MACOSX" or "Thumbs.db" or "desktop.ini";
}
