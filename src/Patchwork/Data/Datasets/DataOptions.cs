namespace Patchwork.Data;

/// <summary>How a data set is opened.</summary>
public sealed record DataOptions
{
    /// <summary>
    /// The set's own folder or its parent; null looks in <c>$PATCHWORK_DATA</c>, then in <c>~/.cache/patchwork/data</c>.
    /// </summary>
    public string? Data { get; init; }

    /// <summary>
    /// Rows and columns that the images of a resizable set are resized to. Range 8 to 1024; null, the default:
    /// <see cref="DatasetSource.DefaultSize"/>. Sets of one size ignore it.
    /// </summary>
    public int? ImageSize { get; init; }

    /// <summary>
    /// Share of each side of a picture's middle square that is kept, for sets of image files. Range (0, 1]. Default 1. 0.875 is the usual
    /// "resize to 256, keep 224".
    /// </summary>
    public double CenterCrop
    {
        get;
        init => field = value is > 0 and <= 1 ? value : throw new ArgumentOutOfRangeException(
            nameof(value), FormattableString.Invariant($"`CenterCrop` must lie in (0, 1]. Received: {value}."));
    } = 1;

    /// <summary>
    /// Decode JPEG files at 1/2, 1/4 or 1/8 of their size where that leaves at least twice the size needed, for sets of image files.
    /// Default true.
    /// </summary>
    public bool ScaledDecoding { get; init; } = true;

    /// <summary>Omit damaged image files instead of rejecting the set. Default false.</summary>
    public bool SkipDamaged { get; init; }

    /// <summary>For a list of images: the folder that its paths are relative to. Null, the default, means the list's own folder.</summary>
    public string? Images { get; init; }

    /// <summary>
    /// For a list of images: its columns, by name or by number from 1, such as <c>path=1,label=3,split=part</c>. Null, the default, finds
    /// them by their usual names.
    /// </summary>
    public string? Columns { get; init; }

    /// <summary>
    /// For a list of images: a file with one class name per line, for labels that are class numbers from 0. Null, the default, means that
    /// the labels are the names.
    /// </summary>
    public string? ClassNames { get; init; }

    /// <summary>
    /// For a list of images: true if an image may show several classes or none, false if a cell is always one label, whatever it contains.
    /// Null, the default, means true if any cell holds several labels, separated by <c>|</c> or <c>;</c>, or if several class columns of a
    /// row say yes.
    /// </summary>
    public bool? MultiLabel { get; init; }

    /// <summary><see cref="ImageSize"/>, or a set's own size if it is null.</summary>
    /// <exception cref="InputException">It is out of range.</exception>
    internal int SizeOr(int own) => (ImageSize ?? own) is >= 8 and <= 1024 and var size ? size
        : throw new InputException($"`ImageSize` must be 8 to 1024. Received: {ImageSize}.");
}
