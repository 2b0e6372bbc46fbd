using System.Text;
using Patchwork.Data;
using Patchwork.Internals;
using Patchwork.Reporting;

namespace Patchwork.Previews;

/// <summary>Writes a data set as a list that can be edited and used for training: <c>labels.csv</c> with path, label and split.</summary>
public static class ListedSet
{
    /// <summary>File name of the list in the folder.</summary>
    public const string ListName = "labels.csv";

    /// <summary>
    /// Writes the list, in the order of the set. Images that are files stay where they are; images of other sets are written as PNG files
    /// with the same pixels, such as <c>images/train/cat/000001.png</c>, in one folder per class if every image has one class, so that
    /// <c>images</c> is a data set too.
    /// </summary>
    /// <param name="data">The set.</param>
    /// <param name="folder">The folder to create; it must not exist, and it appears only when it is complete.</param>
    /// <param name="cancellation">Cancels the work; no files are left behind.</param>
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

    // Whether the name is valid for a folder on every operating system.
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
