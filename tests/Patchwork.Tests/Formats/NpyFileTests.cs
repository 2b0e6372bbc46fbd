using System.Buffers.Binary;
using System.Text;
using Patchwork.Formats;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Formats;

public sealed class NpyFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>The bytes of a file as numpy.save writes it.</summary>
    public static byte[] File(string descr, string shape, byte[] values, byte version = 1, string order = "False")
    {
        var prefix = version == 1 ? 10 : 12;
        var text = $"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}";
        text = text.PadRight((text.Length + 1 + prefix + 63) / 64 * 64 - prefix - 1) + "\n";
        var length = new byte[prefix - 8];
        if (version == 1)
            BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)text.Length);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)text.Length);
        return [0x93, .. "NUMPY"u8, version, 0, .. length, .. Encoding.ASCII.GetBytes(text), .. values];
    }

    private string Write(byte[] bytes)
    {
        var path = Path.Combine(folder, "values.npy");
        System.IO.File.WriteAllBytes(path, bytes);
        return path;
    }

    private string Refusal(byte[] bytes) => Assert.Throws<InputException>(() => NpyFile.Open(Write(bytes)).Dispose()).Message;

    private static readonly byte[] Twelve = [.. Enumerable.Range(0, 12).Select(i => (byte)(20 * i))];

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void Values_are_read_from_any_offset_in_all_versions(byte version)
    {
        using var file = NpyFile.Open(Write(File("|u1", "2, 2, 3", Twelve, version)));
        Assert.Equal([2, 2, 3], file.Shape);
        Assert.Equal("uint8 (2, 2, 3)", file.Form);
        var four = new byte[4];
        file.Read(5, four);
        Assert.Equal(Twelve[5..9], four);
        Assert.Equal(Twelve.Select(value => (long)value), file.Integers());
    }

    [Fact]
    public void Files_written_by_NumPy_are_read()
    {
        Python.Need("numpy");
        var (bytes, integers) = (Path.Combine(folder, "bytes.npy"), Path.Combine(folder, "integers.npy"));
        Python.Run("""
            import sys, numpy
            numpy.save(sys.argv[1], numpy.arange(7 * 4 * 5 * 3).astype(numpy.uint8).reshape(7, 4, 5, 3))
            numpy.save(sys.argv[2], numpy.array([3, -1, 2**62, 0, 9]))
            """, bytes, integers);
        using var images = NpyFile.Open(bytes);
        Assert.Equal([7, 4, 5, 3], images.Shape);
        Assert.Equal(Enumerable.Range(0, 420).Select(i => (long)(byte)i), images.Integers());
        using var labels = NpyFile.Open(integers);
        Assert.Equal([3, -1, 1L << 62, 0, 9], labels.Integers());
    }

    [Fact]
    public void Unsupported_files_are_rejected_with_the_reason()
    {
        Assert.Contains("Received: an empty file", Refusal([]), StringComparison.Ordinal);
        Assert.Contains("Received: 504B03040A00", Refusal([0x50, 0x4b, 3, 4, 10, 0, 0, 0, 0, 0, 0, 0]), StringComparison.Ordinal);
        Assert.Contains("Received: version 4", Refusal(File("|u1", "12,", Twelve, version: 4)), StringComparison.Ordinal);
        Assert.Contains("Received: '<f4'", Refusal(File("<f4", "3,", Twelve)), StringComparison.Ordinal);
        Assert.Contains("Received: column by column", Refusal(File("|u1", "4, 3", Twelve, order: "True")), StringComparison.Ordinal);
        Assert.Contains("uint8 (13). Received: 140 bytes", Refusal(File("|u1", "13,", Twelve)), StringComparison.Ordinal);
        Assert.Contains("uint8 (11). Received: 140 bytes", Refusal(File("|u1", "11,", Twelve)), StringComparison.Ordinal);
        Assert.Contains("a file of possible size", Refusal(File("|u1", "99999, 99999, 99999, 99999", Twelve)), StringComparison.Ordinal);
        Assert.Contains("must hold a header of 118 bytes. Received: 40 bytes", Refusal(File("|u1", "12,", Twelve)[..50]),
            StringComparison.Ordinal);
        Assert.Contains("cannot be read", Assert.Throws<InputException>(() => NpyFile.Open(Path.Combine(folder, "missing.npy"))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_is_read_or_rejected_and_never_fails_otherwise()
    {
        byte[][] valid = [File("|u1", "2, 2, 3", Twelve), File("|u1", "12,", Twelve, version: 2),
            File("<i8", "1,", Twelve[..8], version: 3)];
        var refused = Mutation.Refused<InputException>("npy", 1500, valid,
            [[.. "'shape': (4294967295, 4294967295), "u8], [0xff, 0xff, 0xff, 0x7f], [.. "(1, 0, 2)"u8]], 1 << 20, bytes =>
        {
            using var file = NpyFile.Open(Write(bytes));
            file.Integers();
        });
        Assert.InRange(refused, 750, 1500);
    }
}
