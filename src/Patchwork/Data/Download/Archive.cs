using System.Formats.Tar;
using System.IO.Compression;
using Patchwork.Internals;

namespace Patchwork.Data;

/// <summary>
/// Unpacks published archives: no files outside their folder, no links, and no more bytes and entries than allowed. The folder appears
/// complete or not at all.
/// </summary>
internal static class Archive
{
    // Twice as many as in the largest published set, Tiny ImageNet. Each entry costs time and a place in a folder, however small it is.
    private const int MostEntries = 250_000;
    private const int BlockBytes = 1 << 16;

    /// <summary>
    /// Unpacks <c>.tar.gz</c> or <c>.zip</c>, whose entries are all in the folder <paramref name="name"/>, below <paramref name="parent"/>.
    /// </summary>
    /// <exception cref="InputException">
    /// The archive is damaged, has entries outside its folder, or holds more than <paramref name="limit"/> bytes or
    /// <paramref name="mostEntries"/> entries, including folders and links.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled; nothing of the folder is kept, and the archive stays.</exception>
    public static void Unpack(string path, string parent, string name, long limit, int mostEntries = MostEntries,
        CancellationToken cancellation = default) =>
        AtomicFolder.Create(Path.Combine(parent, name), $"The data set {name}", "", aside =>
        {
            var left = limit;
            try
            {
                foreach (var (entry, content) in Entries(path, mostEntries))
                {
                    var target = Inside(path, aside, name, entry);
                    Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                    using var file = File.Create(target);
                    left -= Copy(content, file, left, path, limit, cancellation);
                }
            }
            catch (Exception error) when (error is InvalidDataException or EndOfStreamException or FormatException)
            {
                throw new InputException($"{path} must be an intact archive. "
                    + $"Received one that is damaged ({error.Message.TrimEnd('.')}). Remove it and download it again.", error);
            }
        });

    // Only regular files; folders follow from their names, and links are skipped.
    private static IEnumerable<(string Name, Stream Content)> Entries(string path, int most)
    {
        InputException TooMany() => new($"{path} must hold at most {most:N0} entries. Received more. Remove it and download it again.");
        using var file = File.OpenRead(path);
        if (path.EndsWith(".zip", StringComparison.Ordinal))
        {
            using var zip = new ZipArchive(file, ZipArchiveMode.Read);
            if (zip.Entries.Count > most)
                throw TooMany();
            foreach (var entry in zip.Entries.Where(entry => entry.Name.Length > 0))
            {
                using var content = entry.Open();
                yield return (entry.FullName, content);
            }
            yield break;
        }
        using var unzipped = new GZipStream(file, CompressionMode.Decompress);
        using var tar = new TarReader(unzipped);
        for (var count = 1; tar.GetNextEntry() is { } entry; count++)
        {
            if (count > most)
                throw TooMany();
            if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
                yield return (entry.Name, entry.DataStream ?? Stream.Null);      // an empty file has none
        }
    }

    private static string Inside(string archive, string folder, string name, string entry)
    {
        var parts = entry.Replace('\\', '/').Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".").ToArray();
        if (parts.Length < 2 || parts[0] != name || parts.Contains("..") || Path.IsPathRooted(entry))
            throw new InputException($"{archive} must hold files of the folder {name} only. "
                + $"Received: an entry '{entry}'. Remove it and download it again.");
        return Path.Combine([folder, .. parts[1..]]);
    }

    private static long Copy(Stream from, Stream to, long left, string path, long limit, CancellationToken cancellation)
    {
        var (block, total) = (new byte[BlockBytes], 0L);
        while (from.Read(block) is var count and > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            total += count;
            if (total > left)
                throw new InputException($"{path} must unpack to at most {limit:N0} bytes. "
                    + "Received more. Remove it and download it again.");
            to.Write(block.AsSpan(0, count));
        }
        return total;
    }
}
