using System.Globalization;
using Patchwork.Imaging;
using Patchwork.Plans;

namespace Patchwork.Data;

/// <summary>
/// Tiny-ImageNet (Stanford CS231n) or a subset of its classes, in the published layout: <c>wnids.txt</c> names the classes' folders,
/// <c>words.txt</c> their names (the first term is used, or the folder's name if there is none), <c>train/WNID/images</c> holds the
/// training set and <c>val/images</c> with <c>val_annotations.txt</c> the test set. Pictures are 64×64. Classes are sorted by WNID, as
/// other frameworks do.
/// </summary>
/// <remarks>
/// Boxes come from <c>WNID_boxes.txt</c> and <c>val_annotations.txt</c>: left, top, right, bottom, corners inclusive; here they are
/// half-open, and in the pixels of the resized and cropped picture. A training picture that is not listed has no box, nor has one whose
/// box lies outside the crop.
/// </remarks>
internal sealed class TinyImageNet : ImageFiles
{
    /// <summary>Rows and columns of the pictures in the files.</summary>
    internal const int Side = 64;

    private readonly Box?[] boxes;

    private TinyImageNet(
        string[] classNames, (string Path, int Label)[] found, Dictionary<string, Box> boxes, DataOptions options, long memoryLimit,
        IReadOnlyList<LeftOutFile> leftOut)
        : base(classNames, found, options.SizeOr(Side), options, memoryLimit, null, leftOut) =>
        this.boxes = [.. Enumerable.Range(0, Count).Select(i => boxes.TryGetValue(FilePath(i), out var box) ? Cut(box, options) : null)];

    public override Box? ObjectBox(int index) => boxes[index];

    public static DatasetPair Open(string folder, DataOptions options, long memoryLimit = MemoryLimit)
    {
        var wnids = Wnids(folder);
        var names = Names(folder, wnids);
        return new("tinyimagenet",
            Train(folder, wnids, names, options, memoryLimit),
            Test(folder, wnids, names, options, memoryLimit));
    }

    private static TinyImageNet Train(string folder, string[] wnids, string[] names, DataOptions options, long memoryLimit)
    {
        var boxes = new Dictionary<string, Box>();
        var found = new List<(string, int)>();
        var leftOut = new List<LeftOutFile>();
        for (var label = 0; label < wnids.Length; label++)
        {
            var own = Path.Combine(folder, "train", wnids[label]);
            var images = Path.Combine(own, "images");
            if (!Directory.Exists(images))
                throw Missing("folder", images);
            found.AddRange(ImageFolder.Images(images, leftOut).Select(path => (path, label)));
            var file = Path.Combine(own, wnids[label] + "_boxes.txt");
            foreach (var line in File.Exists(file) ? Table(file, 5) : [])
                boxes[Path.Combine(images, line[0])] = BoxOf(file, line, 1);
        }
        return new(names, [.. found], boxes, options, memoryLimit, leftOut);
    }

    private static TinyImageNet Test(string folder, string[] wnids, string[] names, DataOptions options, long memoryLimit)
    {
        var boxes = new Dictionary<string, Box>();
        var found = new List<(string, int)>();
        var file = Path.Combine(folder, "val", "val_annotations.txt");
        if (!File.Exists(file))
            throw Missing("file", file);
        foreach (var line in Table(file, 6))
        {
            var label = Array.BinarySearch(wnids, line[1], StringComparer.Ordinal);
            if (label < 0)
                throw new InputException($"{file} must name classes of wnids.txt. Received: '{line[1]}' for {line[0]}. "
                    + "Unpack the set again.");
            var path = Path.Combine(folder, "val", "images", line[0]);
            if (!boxes.TryAdd(path, BoxOf(file, line, 2)))
                throw new InputException($"{file} must name each image once. Received: {line[0]} twice. Unpack the set again.");
            found.Add((path, label));
        }
        if (found.Count == 0)
            throw new InputException($"{file} must name at least one image. Received: none. Unpack the set again.");
        return new(names, [.. found], boxes, options, memoryLimit, []);
    }

    private static string[] Wnids(string folder)
    {
        var path = Path.Combine(folder, "wnids.txt");
        if (!File.Exists(path))
            throw Missing("file", path);
        string[] wnids = [.. File.ReadLines(path).Select(line => line.Trim()).Where(line => line.Length > 0).Order(StringComparer.Ordinal)];
        if (wnids.Distinct().Count() is var classes && (classes < 2 || classes < wnids.Length))
            throw new InputException($"{path} must name two or more classes, each once. Received: {wnids.Length} lines "
                + $"of {classes} classes. Unpack the set again.");
        return wnids;
    }

    // Two classes of ImageNet can share a first term (crane); both names then include the WNID.
    private static string[] Names(string folder, string[] wnids)
    {
        var path = Path.Combine(folder, "words.txt");
        var words = new Dictionary<string, string>();
        foreach (var line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            if (line.Split('\t', 2) is [var wnid, var terms] && terms.Split(',')[0].Trim() is { Length: > 0 } first)
                words[wnid] = first;
        }
        string[] names = [.. wnids.Select(wnid => words.GetValueOrDefault(wnid, wnid))];
        return [.. names.Select((name, i) => names.Count(other => other == name) > 1 ? $"{name} ({wnids[i]})" : name)];
    }

    // The lines of a file, split at tabs, each with the given number of fields and beginning with a file's name.
    private static IEnumerable<string[]> Table(string path, int fields)
    {
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (line.Length == 0)
                continue;
            var values = line.Split('\t');
            if (values.Length != fields || values[0].Length == 0 || values[0].IndexOfAny(Path.GetInvalidFileNameChars()) >= 0)
                throw new InputException($"{path} must hold lines of {fields} tab-separated values, the first an image's file name. "
                    + $"Received: '{Shown(line)}' in line {number}. Unpack the set again.");
            yield return values;
        }
    }

    private static Box BoxOf(string path, string[] line, int first)
    {
        var corners = new int[4];
        for (var i = 0; i < 4; i++)
        {
            if (!int.TryParse(line[first + i], NumberStyles.None, CultureInfo.InvariantCulture, out corners[i]))
                corners[i] = Side;
        }
        var (left, top, right, bottom) = (corners[0], corners[1], corners[2], corners[3]);
        if (left > right || top > bottom || right >= Side || bottom >= Side)
            throw new InputException($"A box must be left, top, right and bottom in 0 to {Side - 1}. "
                + $"Received: '{Shown(string.Join(' ', line[first..]))}' for {line[0]} in {path}. Unpack the set again.");
        return new Box(top, left, bottom + 1, right + 1);
    }

    // The box in the pixels of the decoded picture; null if none of it is left.
    private static Box? Cut(Box box, DataOptions options)
    {
        var size = options.SizeOr(Side);
        var window = Window.Centered(Side, Side, size, size, options.CenterCrop);
        int At(int edge) => (int)Math.Round(Math.Clamp((edge - window.Top) / window.Height, 0, 1) * size);
        var cut = new Box(At(box.Top), At(box.Left), At(box.Bottom), At(box.Right));
        return cut.IsEmpty ? null : cut;
    }

    private static string Shown(string text) => text.Length <= 80 ? text : text[..80] + "…";

    private static InputException Missing(string what, string path) => new(
        $"Tiny-ImageNet needs the {what} {path}, which does not exist. Unpack the published archive there, or set `Data` to its folder.");
}
