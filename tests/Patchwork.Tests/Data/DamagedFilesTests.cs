using System.IO.Compression;
using Patchwork.Data;
using Patchwork.Imaging;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class DamagedFilesTests : IDisposable
{
    // Extreme values that a damaged header may contain.
    private static readonly byte[][] Extremes =
        [[0, 0, 0, 0], [255, 255, 255, 255], [127, 255, 255, 255], [0x80, 0, 0, 0], [0, 1], [255, 255]];

    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-damaged-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_damaged_IDX_file_is_read_or_refused()
    {
        byte[] images = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, .. Enumerable.Range(0, 60).Select(i => (byte)(i * i))];
        var refused = Mutation.Refused<InputException>("damaged IDX", Mutation.Inputs, [images, Gzip(images)], Extremes, 1 << 16,
            input => Assert.Equal(0, IdxFiles.Values(new MemoryStream(input), "images", 3, 4, 5).Length % 20));
        Assert.InRange(refused, Mutation.Inputs / 2, Mutation.Inputs * 99 / 100);
        byte[] labels = [0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3];
        Mutation.Refused<InputException>("damaged IDX labels", Mutation.Inputs, [labels, Gzip(labels)], Extremes, 1 << 16,
            input => Assert.InRange(IdxFiles.Values(new MemoryStream(input), "labels", 3).Length, 1, 3));
    }

    [Theory, InlineData(1), InlineData(2)]
    public void A_damaged_CIFAR_file_is_read_or_refused(int labelBytes)
    {
        byte[] record = [.. Enumerable.Repeat((byte)2, labelBytes), .. Enumerable.Range(0, 3072).Select(i => (byte)i)];
        var records = new byte[2 * record.Length];
        var refused = Mutation.Refused<InputException>("damaged CIFAR", Mutation.Inputs, [[.. record, .. record]], [], 1 << 14,
            input =>
            {
                CifarBinary.Fill(records, new MemoryStream(input), "batch", labelBytes, 3);
                Assert.InRange(records[labelBytes - 1], 0, 2);
            });
        Assert.InRange(refused, Mutation.Inputs / 2, Mutation.Inputs * 99 / 100);
    }

    [Theory, InlineData("a.png"), InlineData("a.jpg"), InlineData("a.webp")]
    public void A_damaged_image_is_decoded_or_refused(string name)
    {
        var path = PictureFiles.Write(Path.Combine(folder, name),
            PictureFiles.Paint(12, 16, (y, x) => new SKColor((byte)(y * 20), (byte)(x * 15), (byte)(y * x))));
        var planar = new byte[3 * 64];
        // A header may claim a large image. The limit is a quarter of a megapixel here and 100 megapixels for users.
        var refused = Mutation.Refused<InputException>("damaged " + name, Mutation.Inputs, [File.ReadAllBytes(path)], Extremes, 1 << 21,
            input => ImageDecoder.Decode(input, name, 8, 8, planar, 3, largestPixels: 1 << 18, (h, w) => Window.Centered(h, w, 8, 8)));
        Assert.InRange(refused, Mutation.Inputs / 20, Mutation.Inputs * 99 / 100);
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return packed.ToArray();
    }
}
