using System.Text;
using Patchwork.Data;
using Patchwork.Internals;
using Patchwork.Reporting;

namespace Patchwork.Previews;

/// <summary>A data set written as a list that can be edited and trained on: <c>labels.csv</c> with path, label and split.</summary>
public static class ListedSet
{
    /// <summary>Name of the list in the folder.</summary>
    public const string ListName = "labels.csv";

    /// <summary>
    /// Writes the list, in the order of the set. Images that are files stay where they are; those of other sets are written as PNG files of
    /// the same pixels, <c>images/train/cat/000001.png</c>: a folder for each class, if each image has one, so that <c>images</c> is a data
    /// set too.
    /// </summary>
    /// <param name="data">The set.</param>
    /// <param name="folder">Where; must not exist. It appears whole.</param>
    /// <param name="cancellation">Ends the work; nothing is left behind.</param>
    /// <exception cref="InputException">The folder exists or cannot be written.</exception>
    public static void Write(DatasetPair data, string folder, CancellationToken cancellation = default)
    {
        folder = Path.GetFullPath(folder);
        AtomicFolder.Create(folder, "A list", "", aside =>
        {
            using var list = new StreamWriter(Path.Combine(aside, ListName), append: false, new UTF8Encoding(false)) { NewLine = "\n" };
            list.WriteLine("path,label,split");
            foreach (var (set, part) in new[] { (data.Train, "train"), (data.Validation, "val"), (data.Test, "test") })
            {
                for (var i = 0; i < (set?.Count ?? 0); i++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    var names = set!.ClassOf(i);
                    var path = set.FilePath(i) is { } file ? Path.GetRelativePath(folder, Path.GetFullPath(file))
                        : Written(set, i, aside, set.IsMultiLabel || !IsFolderName(names) ? part : $"{part}/{names}");
                    list.WriteLine($"{ResultTable.CsvCell(path)},{ResultTable.CsvCell(names)},{part}");
                }
            }
        });
    }

    // On every system.
    private static bool IsFolderName(string name) =>
        name.Length > 0 && name.Trim(' ', '.') == name && !name.Any(character => character < ' ' || "<>:\"/\\|?*".Contains(character));

    private static string Written(Dataset set, int index, string folder, string place)
    {
        var name = FormattableString.Invariant($"images/{place}/{index:D6}.png");
        var path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var planar = set.Read(index, set.InMemory ? [] : new byte[set.ImageBytes]);
        var (pixels, rgb) = (set.Height * set.Width, new byte[3 * set.Height * set.Width]);
        for (var i = 0; i < rgb.Length; i++)
            rgb[i] = planar[(set.Channels == 3 ? i % 3 * pixels : 0) + i / 3];
        File.WriteAllBytes(path, new Picture(set.Height, set.Width, rgb).Png());
        return name;
    }
}
