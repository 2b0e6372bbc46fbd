using System.Collections;
using System.IO.Compression;
using static TorchSharp.torch;

namespace Patchwork.Formats;

/// <summary>
/// State dicts that PyTorch saved (<c>.pth</c>, <c>.pt</c>, since 1.6): a zip archive of a pickle and the raw values. Nothing in the pickle
/// is run; anything that is not a state dict is rejected. Tensors may share a storage and have any strides.
/// </summary>
internal static class TorchFile
{
    private const long LargestPickle = 64 << 20;

    // Keys under which checkpoints of known trainers hold the weights, in order of precedence.
    private static readonly string[] Wrappers =
        ["state_dict", "model_state_dict", "model", "model_state", "net", "network", "module", "teacher", "model_ema"];

    /// <summary>Reads the names of all tensors in a file, the requested tensors, and the key under which the file holds them.</summary>
    /// <param name="path">The file.</param>
    /// <param name="wanted">Chooses among all names; the values of others are not read.</param>
    /// <returns>The caller owns the tensors; they are not in a dispose scope.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, or is not a state dict.</exception>
    public static (IReadOnlyList<string> Names, IReadOnlyDictionary<string, Tensor> Tensors, string? Key) LoadSome(
        string path, Func<IReadOnlyList<string>, IEnumerable<string>> wanted)
    {
        try
        {
            return Load(path, wanted);
        }
        // The directory of the archive is damaged.
        catch (Exception error) when (error is EndOfStreamException or NotSupportedException or ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"{path} is a damaged archive ({error.Message.TrimEnd('.')})", error);
        }
    }

    private static (IReadOnlyList<string> Names, IReadOnlyDictionary<string, Tensor> Tensors, string? Key) Load(
        string path, Func<IReadOnlyList<string>, IEnumerable<string>> wanted)
    {
        using var archive = ZipFile.OpenRead(path);
        var pickle = archive.Entries.Where(entry => entry.FullName.EndsWith("/data.pkl", StringComparison.Ordinal)).ToArray() is [var only]
            ? only : throw new InvalidDataException($"{path} must hold one data.pkl");
        if (pickle.Length > LargestPickle)
            throw new InvalidDataException($"the pickle in {path} must be at most 64 MiB; it has {pickle.Length} bytes");
        var prefix = pickle.FullName[..^"data.pkl".Length];
        if (archive.GetEntry($"{prefix}byteorder") is { Length: < 100 } order && Text(order) is var written && written != "little")
            throw new InvalidDataException($"{path} has its values in {written}-endian order; save it on a little-endian machine");
        var (root, key) = Unwrapped(StateDictReader.Read(Bytes(pickle), path), null, []);
        var views = new SortedDictionary<string, StoredView>(StringComparer.Ordinal);
        foreach (DictionaryEntry one in root)
        {
            if (one is { Key: string name, Value: StoredView view })
                views.Add(name, view);
        }
        if (views.Count == 0)
            throw new InvalidDataException($"{path} must hold a state dict, which maps names to tensors. Save it in Python: "
                + "torch.save(model.state_dict(), FILE)");
        string[] names = [.. views.Keys];
        return (names, Read(archive, prefix, views, wanted(names), path), key);
    }

    // A pickle may contain itself, so each dictionary is visited only once.
    private static (Hashtable Root, string? Key) Unwrapped(object? value, string? key, HashSet<object> seen)
    {
        if (value is not Hashtable table || !seen.Add(table))
            return ([], key);
        if (table.Values.OfType<StoredView>().Any())
            return (table, key);
        return Wrappers.Select(name => Unwrapped(table[name], key is null ? name : $"{key}.{name}", seen))
            .FirstOrDefault(inner => inner.Item1.Values.OfType<StoredView>().Any(), (table, key));
    }

    private static SortedDictionary<string, Tensor> Read(ZipArchive archive, string prefix, SortedDictionary<string, StoredView> views,
        IEnumerable<string> wanted, string path)
    {
        var tensors = new SortedDictionary<string, Tensor>(StringComparer.Ordinal);
        try
        {
            foreach (var same in wanted.GroupBy(name => views[name].Storage))
            {
                using var values = Values(archive, prefix, same.Key, path);
                foreach (var name in same)
                    tensors.Add(name, Viewed(values, views[name], name, path));
            }
            return tensors;
        }
        catch
        {
            foreach (var tensor in tensors.Values)
                tensor.Dispose();
            throw;
        }
    }

    private static Tensor Values(ZipArchive archive, string prefix, Storage storage, string path)
    {
        var type = storage.Type ?? throw new InvalidDataException($"{path} has values of {storage.TypeName}, which are not supported");
        var entry = archive.GetEntry($"{prefix}data/{storage.Key}")
            ?? throw new InvalidDataException($"{path} lacks the values of data/{storage.Key}");
        var width = SafetensorsType.Bytes(type);
        // The length in the archive's directory may be wrong, but what is stored cannot exceed the file.
        if (storage.Count > Array.MaxLength / width || entry.Length != storage.Count * width
            || (entry.CompressedLength != entry.Length && entry.Length > 1024 * entry.CompressedLength))
            throw new InvalidDataException($"{path} has {entry.Length} bytes for the {storage.Count} values of data/{storage.Key}");
        var values = empty([storage.Count], type, CPU).DetachFromDisposeScope();
        try
        {
            using var stream = entry.Open();
            var bytes = values.bytes;
            stream.ReadExactly(bytes);
            if (type == ScalarType.Bool && bytes.ContainsAnyExceptInRange((byte)0, (byte)1))
                throw new InvalidDataException($"{path} has bytes other than 0 and 1 for the boolean values of data/{storage.Key}");
            return values;
        }
        catch
        {
            values.Dispose();
            throw;
        }
    }

    private static Tensor Viewed(Tensor values, StoredView view, string name, string path)
    {
        // Doubles, because products of the numbers in a hostile file can overflow any integer.
        var count = view.Shape.Aggregate(1.0, (product, size) => product * size);
        var last = view.Shape.Zip(view.Strides).Aggregate((double)view.Offset, (place, one) => place + (one.First - 1.0) * one.Second);
        if (count > view.Storage.Count || (count > 0 && last >= view.Storage.Count))
            throw new InvalidDataException($"the tensor {name} in {path} reaches beyond its {view.Storage.Count} values");
        using var strided = values.as_strided(view.Shape, view.Strides, count == 0 ? 0 : view.Offset);
        using var whole = strided.contiguous();      // the same tensor if it already is
        return whole.clone().DetachFromDisposeScope();
    }

    private static byte[] Bytes(ZipArchiveEntry entry)
    {
        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static string Text(ZipArchiveEntry entry) => System.Text.Encoding.UTF8.GetString(Bytes(entry)).Trim();
}
