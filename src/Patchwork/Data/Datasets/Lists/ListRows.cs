using Patchwork.Formats;

namespace Patchwork.Data;

/// <summary>An image of a list.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Labels">Its labels, as written in the list; empty if there are none.</param>
/// <param name="Part">Its part of the data set; null if the list does not say.</param>
/// <param name="Place">Its position.</param>
internal sealed record ListRow(string Path, IReadOnlyList<string> Labels, SetPart? Part, ListPlace Place);

/// <summary>The position of a row.</summary>
/// <param name="List">The number of the list among those that are read, from 0.</param>
/// <param name="Name">Its file's name.</param>
/// <param name="Line">The line, from 1.</param>
internal sealed record ListPlace(int List, string Name, int Line)
{
    /// <summary><c>labels.csv:12</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Name}:{Line}");
}

/// <summary>A row that cannot be used.</summary>
/// <param name="Place">Its position.</param>
/// <param name="Reason">Why, without a full stop.</param>
internal sealed record BadRow(ListPlace Place, string Reason);

/// <summary>The rows of one or more lists of images: those that can be used and those that cannot.</summary>
internal sealed class ListRows
{
    private readonly List<ListRow> good = [];
    private readonly List<BadRow> bad = [];
    private int lists;

    /// <summary>The rows that can be used so far, in their order.</summary>
    public IReadOnlyList<ListRow> Good => good;

    /// <summary>The rows that cannot be used, in their order.</summary>
    public IReadOnlyList<BadRow> Bad => [.. bad.OrderBy(row => row.Place.List).ThenBy(row => row.Place.Line)];

    /// <summary>Number of rows that repeat another row, and count only once.</summary>
    public int Repeated { get; private set; }

    /// <summary>True if any cell holds several labels, or several class columns of a row say yes.</summary>
    public bool HasSeveralLabels { get; private set; }

    /// <summary>The classes that have their own columns, in the order of the columns; empty if there are none.</summary>
    public IReadOnlyList<string> ClassColumns { get; private set; } = [];

    /// <summary>Adds a list.</summary>
    /// <param name="list">Its file.</param>
    /// <param name="options">Where its images and columns are.</param>
    /// <param name="part">The part that the whole list belongs to; null if a column of the list says.</param>
    /// <param name="labelled">False if only the images are needed.</param>
    public void Add(string list, DataOptions options, SetPart? part = null, bool labelled = true)
    {
        var table = DelimitedText.Read(list);
        var folder = options.Images ?? Path.GetDirectoryName(Path.GetFullPath(list))!;
        if (!Directory.Exists(folder))
            throw new InputException($"The folder {folder} does not exist. Set `Images` to the folder that the paths in {list} are in.");
        var columns = ListColumns.Of(table, options.Columns, list, folder, labelled);
        var header = table.Rows[0].Cells;
        string[] classes = [.. columns.Classes.Select(place => header[place])];
        if (classes.Length > 0 && ClassColumns.Count > 0 && !classes.SequenceEqual(ClassColumns))
            throw new InputException($"The lists must have the same class columns. Received: {string.Join(", ", classes)} in {list}, "
                + $"{string.Join(", ", ClassColumns)} in another.");
        if (classes.Length > 0)
            ClassColumns = classes;
        // A semicolon separates labels only if it does not separate cells.
        char[] between = options.MultiLabel == false ? [] : table.Delimiter == ';' ? ['|'] : ['|', ';'];
        foreach (var row in table.Rows.Skip(columns.HasHeader ? 1 : 0))
        {
            var place = new ListPlace(lists, Path.GetFileName(list), row.Line);
            if (Fault(row, header, columns, part) is { } fault)
                bad.Add(new(place, fault));
            else if (Existing(folder, row.Cells[columns.Path]) is not { } file)
                bad.Add(new(place, $"there is no file {row.Cells[columns.Path]} in {folder}"));
            else
            {
                var labels = Labels(row, header, columns, between);
                HasSeveralLabels |= labels.Length > 1;
                good.Add(new(file, labels, part ?? (columns.Split is { } split ? PartNames.Find(row.Cells[split]) : null), place));
            }
        }
        lists++;
    }

    /// <summary>Removes the rows that cannot be used.</summary>
    /// <param name="reason">Returns why a row cannot be used, without a full stop; null if it can be used.</param>
    public void Refuse(Func<ListRow, string?> reason)
    {
        good.RemoveAll(row =>
        {
            if (reason(row) is not { } against)
                return false;
            bad.Add(new(row.Place, against));
            return true;
        });
    }

    /// <summary>Renames every label.</summary>
    public void Rename(Func<string, string> name)
    {
        for (var i = 0; i < good.Count; i++)
            good[i] = good[i] with { Labels = [.. good[i].Labels.Select(name)] };
    }

    /// <summary>
    /// Removes all rows that contradict each other about an image, because any of them may be the wrong one, and rows that repeat another
    /// row.
    /// </summary>
    public void RefuseContradictions()
    {
        var byImage = good.GroupBy(row => row.Path, StringComparer.Ordinal).Where(rows => rows.Skip(1).Any())
            .ToDictionary(rows => rows.Key, rows => rows.ToArray(), StringComparer.Ordinal);
        var kept = new List<ListRow>();
        foreach (var row in good)
        {
            if (!byImage.TryGetValue(row.Path, out var rows))
                kept.Add(row);
            else if (rows.FirstOrDefault(other => other.Part != row.Part) is { } elsewhere)
                bad.Add(new(row.Place, $"{row.Path} is in two parts, also in {elsewhere.Place}"));
            else if (rows.FirstOrDefault(other => !other.Labels.SequenceEqual(row.Labels)) is { } otherwise)
                bad.Add(new(row.Place, $"{row.Path} has another label in {otherwise.Place}"));
            else if (row == rows[0])
                kept.Add(row);
            else
                Repeated++;
        }
        good.Clear();
        good.AddRange(kept);
    }

    private static string? Fault(DelimitedRow row, IReadOnlyList<string> header, ListColumns columns, SetPart? part)
    {
        if (row.Cells.Count != header.Count)
            return $"it has {row.Cells.Count} cells, not {header.Count}";
        if (columns.HasHeader && row.Cells.SequenceEqual(header, StringComparer.OrdinalIgnoreCase))
            return "it repeats the header";
        if (row.Cells[columns.Path].Length == 0)
            return "it names no file";
        return part is null && columns.Split is { } split && PartNames.Find(row.Cells[split]) is null
            ? $"'{row.Cells[split]}' is not one of {string.Join(", ", PartNames.All)}" : null;
    }

    private static string[] Labels(DelimitedRow row, IReadOnlyList<string> header, ListColumns columns, char[] between)
    {
        if (columns.Label is not { } label)
            return [.. columns.Classes.Where(place => ListColumns.IsYes(row.Cells[place])).Select(place => header[place])];
        var cell = row.Cells[label];
        return between.Length == 0 ? cell.Length == 0 ? [] : [cell]
            : [.. cell.Split(between, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct()];
    }

    // Lists from Windows have backslashes.
    private static string? Existing(string folder, string path)
    {
        if (path.Contains('\0'))
            return null;
        var whole = Path.GetFullPath(path, Path.GetFullPath(folder));
        return File.Exists(whole) ? whole
            : Path.GetFullPath(path.Replace('\\', '/'), Path.GetFullPath(folder)) is var turned && File.Exists(turned) ? turned : null;
    }
}
