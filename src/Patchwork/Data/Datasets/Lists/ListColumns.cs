using System.Globalization;
using Patchwork.Formats;

namespace Patchwork.Data;

/// <summary>Where the columns of a list of images are, from 0.</summary>
/// <param name="Path">The image's file.</param>
/// <param name="Label">Its label or labels; null if each class has its own column, or if no labels are needed.</param>
/// <param name="Split">The part of the data set that it belongs to; null if there is no such column.</param>
/// <param name="HasHeader">True if the first row names the columns.</param>
internal sealed record ListColumns(int Path, int? Label, int? Split, bool HasHeader)
{
    private static readonly string[] PathNames =
        ["path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img", "picture", "photo"],
        LabelNames = ["label", "labels", "class", "classes", "class_name", "category", "tag", "tags"],
        SplitNames = ["split", "subset", "set", "part", "partition"];

    private static readonly string[] Truths = ["", "0", "1", "true", "false", "yes", "no"];

    /// <summary>The columns that say yes or no for one class each; empty if <see cref="Label"/> has the names of the classes.</summary>
    public IReadOnlyList<int> Classes { get; private init; } = [];

    /// <summary>Finds the columns by their usual names, or as the user specified them.</summary>
    /// <param name="table">The list.</param>
    /// <param name="given">Names or numbers from 1, such as <c>path=1,label=3,split=part</c>; null finds them by their usual names.</param>
    /// <param name="list">The list's file, for messages.</param>
    /// <param name="folder">The folder that the paths are relative to.</param>
    /// <param name="labelled">False if only the images are needed.</param>
    /// <exception cref="InputException">A column is missing or named twice.</exception>
    public static ListColumns Of(DelimitedText table, string? given, string list, string folder, bool labelled = true)
    {
        if (table.Rows.Count == 0)
            throw new InputException($"{list} must list images. Received: an empty file.");
        var first = table.Rows[0].Cells;
        var wanted = Given(given);
        var header = HasHeaderRow(first, wanted, folder);
        int? Find(string key, string[] names)
        {
            if (wanted.TryGetValue(key, out var said))
                return Said(key, said, first, header, list);
            int[] places = [.. first.Index().Where(cell => names.Contains(cell.Item, StringComparer.OrdinalIgnoreCase))
                .Select(cell => cell.Index)];
            return places.Length <= 1 ? places.Select(place => (int?)place).FirstOrDefault() : throw new InputException(
                $"{list} must have one column for the {key}. Received: {string.Join(" and ", places.Select(place => first[place]))}. "
                + $"Say which with `Columns`, for example {key}={first[places[0]]}.");
        }
        if (header && first.Where(cell => cell.Length > 0).GroupBy(cell => cell, StringComparer.OrdinalIgnoreCase)
            .FirstOrDefault(same => same.Skip(1).Any()) is { } twice)
            throw new InputException($"{list} must name each column once. Received: two columns '{twice.Key}'. Rename one.");
        var path = header ? Find("path", PathNames) : Find("path", []) ?? 0;
        var label = header ? Find("label", LabelNames) : Find("label", []) ?? (first.Count > 1 ? 1 : null);
        var split = header ? Find("split", SplitNames) : Find("split", []) ?? (HoldsParts(table, 2) ? 2 : null);
        if (path is null)
            throw new InputException($"{list} must have a column with the images' files, such as 'path'. "
                + $"Received: {string.Join(", ", first)}. Say which it is with `Columns`, for example path=1.");
        var columns = new ListColumns(path.Value, label, split, header);
        if (label is not null || !labelled)
            return columns;
        int[] classes = [.. Enumerable.Range(0, first.Count).Where(place => place != path && place != split)];
        if (header && classes.Length > 1 && table.Rows.Skip(1).All(row => classes.All(place => place >= row.Cells.Count
            || Truths.Contains(row.Cells[place], StringComparer.OrdinalIgnoreCase))))
            return columns with { Classes = classes };
        throw new InputException($"{list} must have a column with the images' labels, such as 'label', or a column of 0 and 1 "
            + $"for each class. Received: {string.Join(", ", first)}. Say which it is with `Columns`, for example label=2.");
    }

    /// <summary>True if a cell of a class column says yes.</summary>
    public static bool IsYes(string cell) => cell is "1" || cell.ToLowerInvariant() is "true" or "yes";

    private static Dictionary<string, string> Given(string? given)
    {
        var columns = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var one in (given ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (one.Split('=', 2, StringSplitOptions.TrimEntries) is not [var key, { Length: > 0 } column]
                || key.ToLowerInvariant() is not ("path" or "label" or "split") || !columns.TryAdd(key, column))
                throw new InputException($"`Columns` must say where path, label and split are, for example path=1,label=3,split=part. "
                    + $"Received: {given}.");
        }
        return columns;
    }

    // The column is given by its number from 1, or by its name in the header.
    private static int Said(string key, string said, IReadOnlyList<string> first, bool header, string list)
    {
        if (int.TryParse(said, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number >= 1 && number <= first.Count ? number - 1 : throw new InputException(
                $"The {key} must be one of the {first.Count} columns of {list}. Received: column {number}.");
        return header && first.Index().Where(cell => cell.Item.Equals(said, StringComparison.OrdinalIgnoreCase))
            .Select(cell => (int?)cell.Index).FirstOrDefault() is { } place ? place
            : throw InputException.Unknown($"column in {list}", said, header ? [.. first] : []);
    }

    // A row that names an existing file is not a header, whatever else is in it: a class may be called "photo". Otherwise a header is
    // recognized by known names, or by a path cell that does not look like a file.
    private static bool HasHeaderRow(IReadOnlyList<string> first, Dictionary<string, string> wanted, string folder)
    {
        bool IsThere(string cell) => cell.Length > 0 && !cell.Contains('\0') && File.Exists(System.IO.Path.Combine(folder, cell));
        if (first.Any(IsThere))
            return false;
        if (first.Any(cell => PathNames.Contains(cell, StringComparer.OrdinalIgnoreCase))
            || wanted.Values.Any(name => !int.TryParse(name, out _) && first.Contains(name, StringComparer.OrdinalIgnoreCase)))
            return true;
        var place = wanted.TryGetValue("path", out var said) && int.TryParse(said, out var number) ? number - 1 : 0;
        return place >= 0 && place < first.Count && System.IO.Path.GetExtension(first[place]).Length == 0;
    }

    private static bool HoldsParts(DelimitedText table, int place) =>
        table.Rows.All(row => row.Cells.Count > place && PartNames.Find(row.Cells[place]) is not null);
}
