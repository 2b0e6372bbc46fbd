using System.Globalization;
using Patchwork.Formats;

namespace Patchwork.Data;

/// <summary>
/// Pictures listed with their labels in a CSV or TSV file: one column has their files, one their labels, and optionally one the part of the
/// set. Or a folder with one list per part (<c>train.csv</c>, <c>val.csv</c>, <c>test.csv</c>). Without parts, a fixed fifth of each class
/// is the test set. Images keep the order of the list; classes are sorted by name (ordinal), or by number if all are numbers. A list with a
/// row that cannot be used is rejected, unless <see cref="DataOptions.SkipDamaged"/> leaves such rows out.
/// </summary>
public sealed class ImageList : ImageFiles
{
    private const int Named = 10;

    private ImageList(string[] classNames, IReadOnlyList<ListRow> rows, bool isMultiLabel, DataOptions options, long memoryLimit,
        IReadOnlyList<LeftOutFile> leftOut)
        : base(classNames, [.. rows.Select(row => (row.Path, LabelsOf(row, classNames)))], isMultiLabel,
            options.SizeOr(ImageFolder.DefaultSize), options, memoryLimit, null, leftOut)
    { }

    private static int[] LabelsOf(ListRow row, string[] classNames) =>
        [.. row.Labels.Select(label => Array.IndexOf(classNames, ClassName.Composed(label))).Order()];

    internal static DatasetPair Open(DataOptions options, long memoryLimit = MemoryLimit)
    {
        var given = options.Data is { Length: > 0 } data ? data
            : throw new InputException("The data set 'list' needs the list of the images. Set `Data` to a CSV or TSV file.");
        var (rows, names) = (new ListRows(), options.ClassNames is { } file ? Names(file) : null);
        foreach (var (list, part) in Lists(given))
            rows.Add(list, options, part);
        var several = options.MultiLabel ?? rows.HasSeveralLabels;
        Number(rows, names, options.ClassNames, several);
        rows.RefuseContradictions();
        if (rows.Bad.Count > 0 && !options.SkipDamaged)
            throw Refusal(given, rows.Bad);
        var classes = names ?? Sorted(rows);
        if (classes.Length < 2)
            throw new InputException($"{given} must have images of two or more classes. Received: "
                + (classes.Length == 0 ? "no image that can be used." : $"only '{classes[0]}'."));
        return Parts(given, rows, classes, several, options, memoryLimit);
    }

    /// <summary>The files named in a list, in its order, without regard to labels, for prediction.</summary>
    /// <exception cref="InputException">The list cannot be read, or names a file that does not exist.</exception>
    internal static IReadOnlyList<string> Files(string list, DataOptions options, ICollection<LeftOutFile>? leftOut)
    {
        var rows = new ListRows();
        rows.Add(list, options, labelled: false);
        if (rows.Bad.Count > 0 && !options.SkipDamaged)
            throw Refusal(list, rows.Bad);
        foreach (var row in leftOut is null ? [] : LeftOutRows(rows))
            leftOut!.Add(row);
        return [.. rows.Good.Select(row => row.Path)];
    }

    private static LeftOutFile[] LeftOutRows(ListRows rows) =>
        [.. rows.Bad.Select(row => new LeftOutFile($"{row.Place}", LeftOutReason.BadRow, $"{row.Place}: {row.Reason}"))];

    private static DatasetPair Parts(string given, ListRows rows, string[] classes, bool several, DataOptions options, long memoryLimit)
    {
        var notes = Notes(rows, classes);
        if (several)
            notes.Add("images may show several classes or none: errors are 100 % minus the mean average precision");
        var leftOut = LeftOutRows(rows);
        ImageList? Part(SetPart? part, IReadOnlyList<LeftOutFile> lost)
        {
            ListRow[] chosen = [.. rows.Good.Where(row => row.Part == part)];
            return chosen.Length > 0 ? new(classes, chosen, several, options, memoryLimit, lost) : null;
        }
        if (rows.Good.All(row => row.Part is null))
        {
            var whole = Part(null, leftOut)!;
            RequireEach(whole, given, "an image");
            var (kept, held) = ImageFolder.HoldOut(whole, given, "mark train and test images in a column 'split'");
            return new("list", new Subset(whole, kept), new Subset(whole, held))
            {
                Notes = notes,
                Cut = new(whole, "a fifth of each class is the test set, because the list has no parts"),
            };
        }
        var (train, validation, test) = (Part(SetPart.Train, leftOut), Part(SetPart.Validation, []), Part(SetPart.Test, []));
        if (train is null)
            throw new InputException($"{given} must have training images. Received: none whose part is {PartNames.Of(SetPart.Train)[0]}.");
        RequireEach(train, given, "a training image");
        if (test is not null)
        {
            string[] untested = [.. classes.Where((_, label) => test.CountPerClass()[label] == 0)];
            if (untested.Length > 0)
                notes.Add($"no test image of {string.Join(", ", untested)}");
            return new("list", train, test) { Validation = validation, Notes = notes };
        }
        if (validation is not null)
            return new("list", train, validation) { Notes = [.. notes, "the validation part is the test set, because there is no other"] };
        var (left, fifth) = ImageFolder.HoldOut(train, given, "mark test images in a column 'split'");
        return new("list", new Subset(train, left), new Subset(train, fifth))
        {
            Notes = notes,
            Cut = new(train, "a fifth of each class is the test set, because there is no other"),
        };
    }

    private static void RequireEach(ImageList set, string given, string what)
    {
        if (Array.IndexOf(set.CountPerClass(), 0) is >= 0 and var lacking)
            throw new InputException($"{given} must have {what} of each class. Received: none of '{set.ClassNames[lacking]}'. "
                + "Add one, or remove the class.");
    }

    // A file, or the lists of the parts in a folder.
    private static List<(string List, SetPart? Part)> Lists(string given)
    {
        if (!Directory.Exists(given))
            return [(given, null)];
        var lists = new List<(string, SetPart?)>();
        foreach (var part in Enum.GetValues<SetPart>())
        {
            string[] named = [.. Directory.EnumerateFiles(given).Where(path =>
                PartNames.Find(Path.GetFileNameWithoutExtension(path)) == part
                && Path.GetExtension(path).ToLowerInvariant() is ".csv" or ".tsv" or ".txt").Order(StringComparer.Ordinal)];
            if (named.Length > 1)
                throw new InputException($"{given} must have one list for each part. Received: "
                    + $"{string.Join(" and ", named.Select(Path.GetFileName))}. Remove one.");
            lists.AddRange(named.Select(path => (path, (SetPart?)part)));
        }
        return lists.Count > 0 ? lists : throw new InputException($"The folder {given} must have lists called train.csv and test.csv. "
            + $"Received: neither. Set `Data` to the list itself, or `Dataset` to {DatasetCatalogue.OwnPictures.Id} for pictures in one "
            + "folder per class.");
    }

    private static string[] Names(string file)
    {
        string[] names = [.. DelimitedText.ReadLines(file).Select(ClassName.Composed)];
        return names.Length >= 2 && names.Distinct().Count() == names.Length ? names : throw new InputException(
            $"{file} must have one class name per line, two or more, each once. Received: "
            + (names.Length < 2 ? $"{names.Length} lines."
                : $"'{names.GroupBy(name => name).First(same => same.Skip(1).Any()).Key}' twice."));
    }

    // Rejects labels that cannot be used, and replaces class numbers with class names.
    private static void Number(ListRows rows, string[]? names, string? file, bool several)
    {
        rows.Refuse(row => several ? null : row.Labels.Count == 0 ? "it has no label"
            : row.Labels.Count > 1 ? $"it has several labels, {string.Join(" and ", row.Labels)}" : null);
        if (names is null)
            return;
        string? Named(string label) => names.Contains(ClassName.Composed(label)) ? ClassName.Composed(label)
            : int.TryParse(label, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < names.Length
                ? names[number] : null;
        rows.Refuse(row => row.Labels.FirstOrDefault(label => Named(label) is null) is { } unknown
            ? $"'{unknown}' is neither a name in {file} nor a number from 0 to {names.Length - 1}" : null);
        rows.Rename(label => Named(label)!);
    }

    private static string[] Sorted(ListRows rows)
    {
        if (rows.ClassColumns.Count > 0)
            return [.. rows.ClassColumns.Select(ClassName.Composed)];
        string[] names = [.. rows.Good.SelectMany(row => row.Labels).Select(ClassName.Composed).Distinct()];
        return names.All(name => long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            ? [.. names.OrderBy(name => long.Parse(name, CultureInfo.InvariantCulture))] : [.. names.Order(StringComparer.Ordinal)];
    }

    private static List<string> Notes(ListRows rows, string[] classes)
    {
        var notes = new List<string>();
        if (rows.Repeated > 0)
            notes.Add($"{rows.Repeated} {(rows.Repeated == 1 ? "row repeats" : "rows repeat")} another row, and "
                + $"{(rows.Repeated == 1 ? "counts" : "count")} once");
        notes.AddRange(classes.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).Where(alike => alike.Skip(1).Any())
            .Select(alike => $"{string.Join(" and ", alike.Select(name => $"'{name}'"))} are different classes"));
        return notes;
    }

    private static InputException Refusal(string given, IReadOnlyList<BadRow> bad) => new(
        $"{given} has {bad.Count.ToString("N0", CultureInfo.InvariantCulture)} {(bad.Count == 1 ? "row" : "rows")} that cannot be used: "
        + string.Join("; ", bad.Take(Named).Select(row => $"{row.Place}: {row.Reason}"))
        + (bad.Count > Named ? "; …" : "") + ". Correct them, or set `SkipDamaged` to leave them out.");
}
