using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;

namespace Patchwork.Formats;

/// <summary>
/// An array in NumPy's file format, versions 1.0 to 3.0: unsigned bytes or 64-bit integers, little-endian, row-major. Opening reads only
/// the header; values are read on request, by any number of threads.
/// </summary>
internal sealed partial class NpyFile : IDisposable
{
    private const int LongestHeader = 1 << 16;
    private static readonly byte[] Magic = [0x93, .. "NUMPY"u8];

    private readonly SafeFileHandle handle;
    private readonly string path;
    private readonly long start;

    private NpyFile(SafeFileHandle handle, string path, long start, int itemBytes, int[] shape) =>
        (this.handle, this.path, this.start, ItemBytes, Shape) = (handle, path, start, itemBytes, shape);

    /// <summary>Bytes per value: 1 (unsigned) or 8 (signed).</summary>
    public int ItemBytes { get; }

    /// <summary>Sizes of the dimensions, slowest-varying first.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>Type and shape, for messages.</summary>
    public string Form => $"{(ItemBytes == 1 ? "uint8" : "int64")} ({string.Join(", ", Shape)})";

    private long Count => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Encodes float32 values, row-major, as a file of version 1.0.</summary>
    public static byte[] Encode(ReadOnlySpan<float> values, params int[] shape)
    {
        var text = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({string.Join(", ", shape)}{(shape.Length == 1 ? "," : "")}), }}";
        const int before = 10;      // magic, version, length of the header
        var padded = (before + text.Length + 1 + 63) / 64 * 64;      // the values begin at a multiple of 64
        var bytes = new byte[padded + values.Length * sizeof(float)];
        Magic.CopyTo(bytes, 0);
        bytes[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), (ushort)(padded - before));
        Encoding.ASCII.GetBytes(text.PadRight(padded - before - 1) + "\n", bytes.AsSpan(before));
        for (var i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(padded + i * sizeof(float)), values[i]);
        return bytes;
    }

    /// <summary>Opens a file and checks that it holds what its header declares. The caller disposes the result.</summary>
    /// <exception cref="InputException">The file cannot be read, is not such an array, or is truncated.</exception>
    public static NpyFile Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path);
            var (text, start) = Header(handle, path);
            var match = Fields().Match(text);
            if (!match.Success)
                throw new InputException($"The header of {path} must name descr, fortran_order and shape. "
                    + $"Received: {Short(text)}. Download it again.");
            var itemBytes = match.Groups["descr"].Value switch
            {
                "|u1" => 1,
                "<i8" => 8,
                var other => throw new InputException($"{path} must hold uint8 ('|u1') or int64 ('<i8') values. "
                    + $"Received: '{Short(other)}'. Convert it with NumPy's astype."),
            };
            if (match.Groups["fortran"].Value == "True")
                throw new InputException($"{path} must be stored row by row. "
                    + "Received: column by column (fortran_order). Convert it with NumPy's ascontiguousarray.");
            var file = new NpyFile(handle, path, start, itemBytes, Sizes(match.Groups["shape"].Value, path));
            var (expected, length) = (start + file.Count * itemBytes, RandomAccess.GetLength(handle));
            return length == expected ? file
                : throw new InputException($"{path} must hold the {expected} bytes that its header declares, {file.Form}. "
                    + $"Received: {length} bytes. Download it again.");
        }
        catch (InputException)
        {
            handle?.Dispose();
            throw;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            handle?.Dispose();
            throw new InputException($"The file {path} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Fills <paramref name="values"/>, starting at a byte offset into the array.</summary>
    /// <exception cref="InputException">The file was truncated after it was opened.</exception>
    public void Read(long offset, Span<byte> values)
    {
        for (var filled = 0; filled < values.Length;)
        {
            var read = RandomAccess.Read(handle, values[filled..], start + offset + filled);
            filled += read > 0 ? read : throw new InputException($"{path} must not change while it is read. "
                + $"Received: end of file {filled} bytes after byte {start + offset}. Restore the file.");
        }
    }

    /// <summary>Reads all values.</summary>
    public long[] Integers()
    {
        var bytes = new byte[Count * ItemBytes];
        Read(0, bytes);
        long At(int i) => ItemBytes == 1 ? bytes[i] : BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8 * i));
        return [.. Enumerable.Range(0, (int)Count).Select(At)];
    }

    /// <inheritdoc/>
    public void Dispose() => handle.Dispose();

    // Magic, two bytes of version, the header's length in two bytes (1.0) or four, the header.
    private static (string Text, long Start) Header(SafeFileHandle handle, string path)
    {
        var prefix = new byte[12];
        var read = RandomAccess.Read(handle, prefix, 0);
        if (read < prefix.Length || !prefix.AsSpan(0, 6).SequenceEqual(Magic))
        {
            var found = read switch { 0 => "an empty file", < 12 => $"a file of {read} bytes", _ => Convert.ToHexString(prefix, 0, 6) };
            throw new InputException($"{path} must begin with NumPy's magic, \\x93NUMPY. Received: {found}. Check that it is a .npy file.");
        }
        var version = prefix[6];
        if (version is < 1 or > 3)
            throw new InputException($"{path} must be of version 1 to 3 of NumPy's format. "
                + $"Received: version {version}. Store it again with numpy.save.");
        var (length, start) = version == 1 ? (BinaryPrimitives.ReadUInt16LittleEndian(prefix.AsSpan(8)), 10L)
            : (BinaryPrimitives.ReadUInt32LittleEndian(prefix.AsSpan(8)), 12L);
        if (length > LongestHeader)
            throw new InputException($"The header of {path} must have at most {LongestHeader} bytes. "
                + $"Received: {length}. Download it again.");
        var header = new byte[length];
        if (RandomAccess.Read(handle, header, start) is var got && got < header.Length)
            throw new InputException($"{path} must hold a header of {length} bytes. Received: {got} bytes of it. Download it again.");
        return ((version == 3 ? Encoding.UTF8 : Encoding.Latin1).GetString(header), start + length);
    }

    private static int[] Sizes(string text, string path)
    {
        var sizes = new List<int>();
        var product = 1L;
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
                || (product *= size) > long.MaxValue >> 35)
                throw new InputException($"The shape of {path} must be whole numbers that describe a file of possible size. "
                    + $"Received: ({Short(text)}). Download it again.");
            sizes.Add(size);
        }
        return [.. sizes];
    }

    private static string Short(string text) => text.Length <= 80 ? text.Trim() : $"{text[..80].Trim()}…";

    // The form that numpy.save writes, with the keys in alphabetical order.
    [GeneratedRegex(@"^\{\s*'descr':\s*'(?<descr>[^']*)',\s*'fortran_order':\s*(?<fortran>True|False),"
        + @"\s*'shape':\s*\((?<shape>[\d, ]*)\),?\s*\}\s*$")]
    private static partial Regex Fields();
}
