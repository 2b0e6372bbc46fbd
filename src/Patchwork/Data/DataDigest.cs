using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace Patchwork.Data;

/// <summary>
/// A digest that identifies a data set: SHA-256 over its size, classes and labels, over the names and lengths of the files that its images
/// come from, and over the pixels of a set whose pixels are in memory. The locations and dates of files do not count.
/// </summary>
public static class DataDigest
{
    private static readonly ConditionalWeakTable<Dataset, string> Known = [];

    /// <summary>The digest, 64 hexadecimal digits; computed once for each <see cref="Dataset"/> object.</summary>
    public static string Of(Dataset set) => Known.GetValue(set, Compute);

    /// <summary>The digest of files by their names and lengths, for data that are too large to read.</summary>
    /// <param name="files">Paths; their order matters.</param>
    public static string OfFiles(IEnumerable<string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in files)
            AppendFile(hash, file);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Length and SHA-256 of a file's content.</summary>
    internal static string OfContent(string path)
    {
        using var stream = File.OpenRead(path);
        return FormattableString.Invariant($"{stream.Length} {Convert.ToHexStringLower(SHA256.HashData(stream))}");
    }

    private static string Compute(Dataset set)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var number in (int[])[set.Count, set.Channels, set.Height, set.Width, set.ClassNames.Count])
            Append(hash, number);
        foreach (var name in set.ClassNames)
            Append(hash, name);
        var scratch = new byte[set.ImageBytes];
        for (var i = 0; i < set.Count; i++)
        {
            if (set.IsMultiLabel)
                Append(hash, set.ClassOf(i));
            else
                Append(hash, set.Label(i));
            var file = set.FilePath(i);
            if (file is not null)
                AppendFile(hash, file);
            if (set.InMemory || file is null)
                hash.AppendData(set.Read(i, scratch));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // The folder is not needed, because the class is in the label.
    private static void AppendFile(IncrementalHash hash, string path)
    {
        Append(hash, Path.GetFileName(path));
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, File.Exists(path) ? new FileInfo(path).Length : -1);
        hash.AppendData(length);
    }

    private static void Append(IncrementalHash hash, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(ClassName.Composed(text));
        Append(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void Append(IncrementalHash hash, int number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
