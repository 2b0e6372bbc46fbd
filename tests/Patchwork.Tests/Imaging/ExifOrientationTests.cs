using System.IO.Compression;
using System.Text;
using CsCheck;
using Patchwork.Imaging;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Imaging;

public sealed class ExifOrientationTests : IDisposable
{
    private const int Height = 48, Width = 32;

    // EXIF 2.32, 4.6.4.A: the sides of the scene that row 0 and column 0 of the stored image show.
    private static readonly (string RowZero, string ColumnZero)[] Sides =
    [
        ("top", "left"), ("top", "right"), ("bottom", "right"), ("bottom", "left"),
        ("left", "top"), ("right", "top"), ("right", "bottom"), ("left", "bottom"),
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-exif-").FullName;

    public static MatrixTheoryData<int, string> Cases => new(Enumerable.Range(1, 8), [".jpg", ".png", ".webp"]);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string At(string name) => Path.Combine(folder, name);

    // Four blocks of different greys, taller than wide, so that no two orientations look alike. Greys, because in a JPEG colours bleed over
    // edges.
    private static SKColor Blocks(int y, int x)
    {
        var level = (byte)((y < 32, x < 16) switch { (true, true) => 250, (true, false) => 170, (false, true) => 90, _ => 10 });
        return new SKColor(level, level, level);
    }

    private static SKBitmap Stored(int orientation)
    {
        var (rowZero, columnZero) = Sides[orientation - 1];
        var turned = rowZero is "left" or "right";
        return PictureFiles.Paint(turned ? Width : Height, turned ? Height : Width, (row, column) =>
        {
            var (y, x) = (0, 0);
            foreach (var (side, steps) in new[] { (rowZero, row), (columnZero, column) })
                _ = side switch { "top" => y = steps, "bottom" => y = Height - 1 - steps, "left" => x = steps, _ => x = Width - 1 - steps };
            return Blocks(y, x);
        });
    }

    private static byte[] Decode(string path, int height, int width)
    {
        var planar = new byte[3 * height * width];
        ImageDecoder.Decode(path, height, width, planar);
        return planar;
    }

    private static byte[] Window(string path, int height, int width, Window window)
    {
        var planar = new byte[3 * height * width];
        ImageDecoder.DecodeWindow(path, height, width, planar, (_, _) => window);
        return planar;
    }

    private static void AssertNear(byte[] expected, byte[] actual, int tolerance) =>
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second, pair.First - tolerance, pair.First + tolerance));

    [Theory, MemberData(nameof(Cases))]
    public void Every_orientation_is_decoded_upright(int orientation, string ending)
    {
        var upright = PictureFiles.Write(At("upright.png"), PictureFiles.Paint(Height, Width, Blocks));
        var camera = PictureFiles.Write(At("camera" + ending), Stored(orientation));
        PictureFiles.InsertOrientation(camera, (ushort)orientation);
        AssertNear(Decode(upright, Height, Width), Decode(camera, Height, Width), 4);
        AssertNear(Decode(upright, 15, 15), Decode(camera, 15, 15), 4);
        AssertNear(Decode(upright, 9, 20), Decode(camera, 9, 20), 4);
        var window = new Window(3, 5, 36, 24);
        AssertNear(Window(upright, 12, 8, window), Window(camera, 12, 8, window), 4);
        Assert.Equal(orientation != 1, ImageDecoder.CheckHeader(camera).IsTurned);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Every_orientation_is_decoded_as_in_Pillow(int orientation, string ending)
    {
        Python.Need("PIL");
        var camera = PictureFiles.Write(At("camera" + ending), Stored(orientation));
        PictureFiles.InsertExif(camera, PictureFiles.Exif((ushort)orientation, little: true));
        var expected = Python.Run("""
            import sys
            from PIL import Image, ImageOps
            image = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("RGB")
            print(image.height, image.width, *(plane for band in image.split() for plane in band.tobytes()))
            """, camera).Split(' ').Select(int.Parse).ToArray();
        Assert.Equal([Height, Width], expected[..2]);
        AssertNear([.. expected[2..].Select(value => (byte)value)], Decode(camera, Height, Width), 1);
    }

    [Theory, InlineData("tEXt", false), InlineData("tEXt", true), InlineData("zTXt", false)]
    public void EXIF_data_in_a_PNG_text_chunk_are_read(string type, bool withPrefix)
    {
        byte[] exif = [.. withPrefix ? "Exif\0\0"u8 : default, .. PictureFiles.Exif(8)];
        var hex = Convert.ToHexStringLower(exif);
        var text = Encoding.ASCII.GetBytes($"\nexif\n{exif.Length,8}\n{hex[..20]}\n{hex[20..]}\n");
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            zlib.Write(text);
        var path = PictureFiles.WritePlain(At("old.png"), SKColors.Red);
        PictureFiles.InsertChunk(path, type, [.. "Raw profile type exif\0"u8, .. type == "zTXt" ? [0, .. packed.ToArray()] : text]);
        Assert.Equal(SKEncodedOrigin.LeftBottom, ExifOrientation.OfPng(File.ReadAllBytes(path)));
    }

    [Fact]
    public void The_byte_order_and_the_prefix_of_JPEG_make_no_difference()
    {
        for (ushort value = 1; value <= 8; value++)
        {
            foreach (var exif in new[] { PictureFiles.Exif(value), PictureFiles.Exif(value, little: true) })
            {
                Assert.Equal((SKEncodedOrigin)value, ExifOrientation.OfTiff(exif));
                Assert.Equal((SKEncodedOrigin)value, ExifOrientation.OfTiff([.. "Exif\0\0"u8, .. exif]));
            }
        }
    }

    [Theory, InlineData(0), InlineData(9), InlineData(255)]
    public void An_invalid_orientation_means_upright(byte value) =>
        Assert.Equal(SKEncodedOrigin.TopLeft, ExifOrientation.OfTiff(PictureFiles.Exif(value)));

    [Fact]
    public void Damaged_EXIF_data_give_some_orientation_and_never_an_error()
    {
        var png = PictureFiles.WritePlain(At("a.png"), SKColors.Red);
        var webp = PictureFiles.WritePlain(At("a.webp"), SKColors.Red);
        PictureFiles.InsertOrientation(png, 6);
        PictureFiles.InsertOrientation(webp, 6);
        byte[][] files = [PictureFiles.Exif(6), PictureFiles.Exif(6, little: true), File.ReadAllBytes(png), File.ReadAllBytes(webp)];
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 200], Gen.Byte, Gen.Int[0, 400]).Sample((which, at, value, length) =>
        {
            var file = files[which][..Math.Min(length, files[which].Length)];
            if (at < file.Length)
                file[at] = value;
            foreach (var found in new[] { ExifOrientation.OfTiff(file), ExifOrientation.OfPng(file), ExifOrientation.OfWebp(file) })
                Assert.InRange((int)found, 1, 8);
        }, iter: Lane.Count(100_000, 5_000), threads: 1);
        Assert.Equal(SKEncodedOrigin.TopLeft, ExifOrientation.OfTiff(PictureFiles.Exif(6).AsSpan(0, 17)));
    }
}
