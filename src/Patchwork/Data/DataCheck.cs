using System.Security.Cryptography;
using Patchwork.Imaging;

namespace Patchwork.Data;

/// <summary>The contents of a data set and its problems, as <c>data check</c> shows them.</summary>
public sealed record DataCheck
{
    /// <summary>Classes with fewer training images than this are listed in <see cref="Scarce"/>.</summary>
    public const int Few = 10;

    /// <summary>The parts of the set, with the number of images of each class.</summary>
    public required IReadOnlyList<CheckedPart> Parts { get; init; }

    /// <summary>The names of the classes.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>Rows and columns of the picture with the smallest area, in its upright orientation.</summary>
    public required PictureSize Smallest { get; init; }

    /// <summary>Rows and columns of the picture with the largest area.</summary>
    public required PictureSize Largest { get; init; }

    /// <summary>Number of pictures that are stored rotated or mirrored, and are shown upright (EXIF).</summary>
    public required int Turned { get; init; }

    /// <summary>Files that are not used.</summary>
    public required IReadOnlyList<LeftOutFile> LeftOut { get; init; }

    /// <summary>
    /// Images that appear in more than one part, so that a training image may be tested. Files are compared, or pixels for sets without
    /// files.
    /// </summary>
    public required IReadOnlyList<SameImage> AcrossParts { get; init; }

    /// <summary>Images that appear in more than one class of the same part.</summary>
    public required IReadOnlyList<SameImage> AcrossClasses { get; init; }

    /// <summary>Number of repeated images within the same class of the same part.</summary>
    public required int Repeated { get; init; }

    /// <summary>Classes with fewer than <see cref="Few"/> training images.</summary>
    public IReadOnlyList<string> Scarce =>
        [.. Classes.Where((_, label) => Parts[0].PerClass[label] < Few).Select(name => name)];

    /// <summary>Notes on how the parts were found.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>
    /// True if an image is damaged or of an unsupported format, has no class or two classes, or appears in more than one part.
    /// </summary>
    public bool HasFaults => AcrossParts.Count + AcrossClasses.Count > 0
        || LeftOut.Any(file => file.IsPicture);

    /// <summary>Checks a whole data set, including damaged pictures.</summary>
    /// <param name="id">Its id in <see cref="DatasetCatalogue"/>.</param>
    /// <param name="options">How it is opened.</param>
    /// <exception cref="InputException">It cannot be opened at all.</exception>
    public static DataCheck Of(string id, DataOptions options)
    {
        var pair = DatasetCatalogue.Open(id, options with { SkipDamaged = true });
        (string Name, Dataset Set)[] parts = [.. new (string, Dataset?)[] { ("training", pair.Train), ("validation", pair.Validation),
            ("test", pair.Test) }.Where(part => part.Item2 is not null).Select(part => (part.Item1, part.Item2!))];
        var images = parts.SelectMany(part => Look(part.Name, part.Set)).ToArray();
        var same = images.GroupBy(image => image.Digest).Where(group => group.Skip(1).Any()).Select(group => group.ToArray()).ToArray();
        bool InTwoClasses(LookedAt[] group) =>
            group.GroupBy(image => image.Place.Part).Any(part => part.DistinctBy(image => image.Place.Class).Skip(1).Any());
        return new DataCheck
        {
            Parts = [.. parts.Select(part => new CheckedPart(part.Name, part.Set.CountPerClass(), part.Set.Count))],
            Classes = pair.Train.ClassNames,
            Smallest = images.MinBy(image => image.Size.Area)!.Size,
            Largest = images.MaxBy(image => image.Size.Area)!.Size,
            Turned = images.Count(image => image.IsTurned),
            LeftOut = ImageFiles.LeftOutOf(pair),
            AcrossParts = [.. same.Where(group => group.DistinctBy(image => image.Place.Part).Skip(1).Any()).Select(SameImage.Of)],
            AcrossClasses = [.. same.Where(InTwoClasses).Select(SameImage.Of)],
            Repeated = same.Sum(group => group.Length - group.DistinctBy(image => (image.Place.Part, image.Place.Class)).Count()),
            Notes = [.. pair.AllNotes],
        };
    }

    private static LookedAt[] Look(string part, Dataset set)
    {
        var images = new LookedAt[set.Count];
        Parallel.For(0, set.Count, () => new byte[set.ImageBytes], (i, _, scratch) =>
        {
            var (name, file) = (set.ClassOf(i), set.FilePath(i));
            var (size, turned) = (new PictureSize(set.Height, set.Width), false);
            if (file is not null)
            {
                (var height, var width, turned) = ImageDecoder.CheckHeader(file);
                size = new(height, width);
            }
            var bytes = file is null ? set.Read(i, scratch) : File.ReadAllBytes(file);
            var place = new ImagePlace(part, name, file ?? FormattableString.Invariant($"image {i}"));
            images[i] = new(place, Convert.ToHexString(SHA256.HashData(bytes)), size, turned);
            return scratch;
        }, _ => { });
        return images;
    }

    internal sealed record LookedAt(ImagePlace Place, string Digest, PictureSize Size, bool IsTurned);
}

/// <summary>A part of a data set.</summary>
/// <param name="Name"><c>training</c>, <c>validation</c> or <c>test</c>.</param>
/// <param name="PerClass">Number of images of each class.</param>
/// <param name="Images">Number of images.</param>
public sealed record CheckedPart(string Name, IReadOnlyList<int> PerClass, int Images);

/// <summary>The height and width of an image.</summary>
public readonly record struct PictureSize(int Height, int Width)
{
    /// <summary>Number of pixels.</summary>
    public long Area => (long)Height * Width;

    /// <inheritdoc/>
    public override string ToString() => $"{Height}×{Width}";
}

/// <summary>The location of an image.</summary>
/// <param name="Part">Name of the part.</param>
/// <param name="Class">Its class.</param>
/// <param name="Name">Its file, or its place in the part.</param>
public sealed record ImagePlace(string Part, string Class, string Name);

/// <summary>One image in several places.</summary>
/// <param name="Places">The places, two or more.</param>
public sealed record SameImage(IReadOnlyList<ImagePlace> Places)
{
    internal static SameImage Of(IEnumerable<DataCheck.LookedAt> images) => new([.. images.Select(image => image.Place)]);
}
