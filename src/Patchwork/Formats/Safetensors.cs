using System.Buffers.Binary;
using Patchwork.Internals;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Formats;

/// <summary>
/// The safetensors format (https://github.com/huggingface/safetensors): eight bytes of header length, a JSON header with type, shape and
/// byte range of each tensor, then the raw little-endian values. Files are written with keys in ordinal order and without metadata, so the
/// bytes depend only on the weights.
/// </summary>
public static class Safetensors
{
    /// <summary>
    /// Writes <paramref name="tensors"/> (any device, any strides; the caller keeps ownership) to <paramref name="path"/>, atomically and
    /// one tensor at a time. Types: F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
    /// </summary>
    /// <exception cref="ArgumentException">A tensor is named <c>__metadata__</c>, or has a type that the format lacks.</exception>
    public static void Save(string path, IReadOnlyDictionary<string, Tensor> tensors) =>
        Save(path, tensors.Select(entry => (entry.Key, entry.Value)));

    /// <summary>The same from pairs of name and tensor.</summary>
    /// <exception cref="ArgumentException">A name appears twice, or one of the cases above.</exception>
    internal static void Save(string path, IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        var sorted = tensors.OrderBy(entry => entry.Name, StringComparer.Ordinal).ToArray();
        var header = SafetensorsHeader.Encode(sorted);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach (var (_, tensor) in sorted) WriteValues(stream, tensor);
        });
    }

    /// <summary>
    /// Reads every tensor of <paramref name="path"/> onto the CPU, by name. <b>The caller owns the tensors</b> and disposes them; they are
    /// not in a dispose scope. U16 becomes I32, U32 and U64 become I64, and F8_E4M3 and F8_E5M2 become F32. Never allocates more than four
    /// times the length of the file, whatever its header claims.
    /// </summary>
    /// <exception cref="InvalidDataException">
    /// The file is not well-formed safetensors, or has values that torch has no type for; the message says where and why.
    /// </exception>
    public static IReadOnlyDictionary<string, Tensor> Load(string path)
    {
        using var stream = OpenForReading(path);
        return Load(stream, path);
    }

    /// <summary>Reads the names of all tensors in a file, and the requested tensors, which the caller owns as above.</summary>
    /// <param name="path">A safetensors file.</param>
    /// <param name="wanted">Chooses among all names; the values of others are not read, whatever their type.</param>
    /// <exception cref="InvalidDataException">As above, for the requested tensors.</exception>
    internal static (IReadOnlyList<string> Names, IReadOnlyDictionary<string, Tensor> Tensors) LoadSome(
        string path, Func<IReadOnlyList<string>, IEnumerable<string>> wanted)
    {
        using var stream = OpenForReading(path);
        var entries = SafetensorsHeader.Read(stream, path);
        string[] names = [.. entries.Select(entry => entry.Name).Order(StringComparer.Ordinal)];
        return (names, ReadAll(stream, path, entries, wanted(names).ToHashSet().Contains));
    }

    /// <summary>The same from a seekable stream; <paramref name="path"/> is its name in messages.</summary>
    internal static IReadOnlyDictionary<string, Tensor> Load(Stream stream, string path) =>
        ReadAll(stream, path, SafetensorsHeader.Read(stream, path), _ => true);

    // Entries follow one another, starting at the stream's position.
    private static SortedDictionary<string, Tensor> ReadAll(Stream stream, string path, IReadOnlyList<SafetensorsHeader.Entry> entries,
        Func<string, bool> wanted)
    {
        var tensors = new SortedDictionary<string, Tensor>(StringComparer.Ordinal);
        try
        {
            foreach (var entry in entries)
            {
                if (!wanted(entry.Name))
                    stream.Seek(entry.End - entry.Begin, SeekOrigin.Current);
                else if (entry.Type.Type is { } type)
                {
                    // Detached immediately: the caller owns the tensor, so the caller's dispose scope must not dispose it.
                    var tensor = empty(entry.Shape, type, CPU).DetachFromDisposeScope();
                    tensors.Add(entry.Name, tensor);
                    ReadValues(stream, tensor, entry, path);
                }
                else
                    tensors.Add(entry.Name, ReadWidened(stream, entry, path));
            }
            return tensors;
        }
        catch
        {
            foreach (var tensor in tensors.Values) tensor.Dispose();
            throw;
        }
    }

    private static Tensor ReadWidened(Stream stream, SafetensorsHeader.Entry entry, string path)
    {
        if (entry.Type.Wider is null || entry.End - entry.Begin > Array.MaxLength)
            throw new InvalidDataException($"The tensor {entry.Name} in {path} is of type {entry.Type.Name}, which is not supported. "
                + "Save it as F32.");
        var bytes = new byte[entry.End - entry.Begin];
        stream.ReadExactly(bytes);
        return entry.Type.Widen(bytes, entry.Shape, entry.Name);
    }

    /// <summary>
    /// Copies the tensors of <paramref name="path"/> into the parameters and buffers of <paramref name="module"/> by name, in place (an
    /// optimizer created before keeps its parameters). The check is strict: nothing is copied unless names and shapes agree completely.
    /// Types are converted.
    /// </summary>
    /// <exception cref="InvalidDataException">
    /// Missing, unexpected or differently shaped tensors, all named; or a malformed file.
    /// </exception>
    public static void LoadInto(string path, nn.Module module)
    {
        var loaded = Load(path);
        try
        {
            var targets = module.state_dict();
            var complaints = new List<string>();
            var missing = targets.Keys.Where(name => !loaded.ContainsKey(name)).Order(StringComparer.Ordinal).ToArray();
            var unexpected = loaded.Keys.Where(name => !targets.ContainsKey(name)).ToArray();
            var mismatched = loaded
                .Where(entry => targets.TryGetValue(entry.Key, out var target) && !target.shape.SequenceEqual(entry.Value.shape))
                .Select(entry => $"{entry.Key} (file {Shape(entry.Value)}, model {Shape(targets[entry.Key])})").ToArray();
            if (missing.Length > 0) complaints.Add("missing " + string.Join(", ", missing));
            if (unexpected.Length > 0) complaints.Add("unexpected " + string.Join(", ", unexpected));
            if (mismatched.Length > 0) complaints.Add("with a different shape " + string.Join(", ", mismatched));
            if (complaints.Count > 0)
                throw new InvalidDataException($"The weights in {path} do not fit the model: {string.Join("; ", complaints)}. "
                    + "Load them into the model they were saved from.");
            using (no_grad())
                foreach (var (name, target) in targets)
                    target.copy_(loaded[name]);
        }
        finally
        {
            foreach (var tensor in loaded.Values) tensor.Dispose();
        }
    }

    private static string Shape(Tensor tensor) => "[" + string.Join(",", tensor.shape) + "]";

    private static FileStream OpenForReading(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, FileOptions.SequentialScan);

    private static void WriteValues(Stream stream, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var flat = tensor.detach().to(CPU).contiguous().reshape(-1);
        foreach (var piece in Pieces(flat)) stream.Write(piece.bytes);
    }

    private static void ReadValues(Stream stream, Tensor tensor, SafetensorsHeader.Entry entry, string path)
    {
        using var scope = NewDisposeScope();
        var flat = tensor.view(-1);
        foreach (var piece in Pieces(flat))
        {
            var bytes = piece.bytes;
            stream.ReadExactly(bytes);
            // Any other byte in a bool is undefined behaviour in libtorch's kernels.
            if (entry.Type.Type == ScalarType.Bool && bytes.ContainsAnyExceptInRange((byte)0, (byte)1))
                throw new InvalidDataException(
                    $"The tensor {entry.Name} in {path} is BOOL but holds bytes other than 0 and 1; the file is damaged.");
        }
    }

    /// <summary>Views of at most 64 MiB, because a span is limited to 2 GB and a tensor is not.</summary>
    private static IEnumerable<Tensor> Pieces(Tensor flat)
    {
        const long most = 1 << 23;
        for (long start = 0, count = flat.numel(); start < count; start += most)
        {
            using var piece = flat.narrow(0, start, Math.Min(most, count - start));
            yield return piece;
        }
    }
}
