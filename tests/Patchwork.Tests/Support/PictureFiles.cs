using System.Buffers.Binary;
using System.IO.Compression;
using SkiaSharp;

namespace Patchwork.Tests.Support;

/// <summary>Writes the pictures that tests need.</summary>
internal static class PictureFiles
{
    /// <summary>Paints height × width pixels by a function of (row, column).</summary>
    public static SKBitmap Paint(int height, int width, Func<int, int, SKColor> color)
    {
        var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        var rgba = bitmap.GetPixelSpan();
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var c = color(y, x);
                var at = y * bitmap.RowBytes + x * 4;
                (rgba[at], rgba[at + 1], rgba[at + 2], rgba[at + 3]) = (c.Red, c.Green, c.Blue, c.Alpha);
            }
        }
        return bitmap;
    }

    /// <summary>A picture's file, coded as its extension says.</summary>
    public static string Write(string path, SKBitmap bitmap)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var data = bitmap.Encode(Format(path), 100);
        using (bitmap)
            File.WriteAllBytes(path, data.ToArray());
        return path;
    }

    /// <summary>A picture of random-looking but fixed pixels, so that its file is long enough to be cut.</summary>
    public static string WriteNoise(string path, int height = 64, int width = 64) =>
        Write(path, Paint(height, width, (y, x) => new SKColor((byte)(y * 37 + x * 101), (byte)(y * x * 13), (byte)(x * 59 ^ y * 29))));

    /// <summary>A picture of one colour.</summary>
    public static string WritePlain(string path, SKColor color, int height = 16, int width = 16) =>
        Write(path, Paint(height, width, (_, _) => color));

    /// <summary>Keeps the first part of a file.</summary>
    public static void Cut(string path, double share)
    {
        var bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..(int)(bytes.Length * share)]);
    }

    /// <summary>Puts an APP1 segment with an Exif orientation behind a JPEG's first marker.</summary>
    public static void InsertOrientation(string path, ushort orientation)
    {
        byte[] tiff = [(byte)'M', (byte)'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0];
        byte[] content = [.. "Exif\0\0"u8, .. tiff];
        var jpeg = File.ReadAllBytes(path);
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)(content.Length + 2));
        File.WriteAllBytes(path, [.. jpeg[..2], 0xff, 0xe1, .. length, .. content, .. jpeg[2..]]);
    }

    /// <summary>Makes a PNG claim another size, with the right checksum.</summary>
    public static void ClaimSize(string path, int height, int width)
    {
        var png = File.ReadAllBytes(path);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc32(png.AsSpan(12, 17)));
        File.WriteAllBytes(path, png);
    }

    /// <summary>A plain PNG of 16 bits a channel, written chunk by chunk: Skia writes none.</summary>
    public static string WriteDeep(string path, int height, int width, ushort red, ushort green, ushort blue)
    {
        var row = new byte[1 + 6 * width];      // filter 0, then R, G, B
        for (var x = 0; x < width; x++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(row.AsSpan(1 + 6 * x), red);
            BinaryPrimitives.WriteUInt16BigEndian(row.AsSpan(3 + 6 * x), green);
            BinaryPrimitives.WriteUInt16BigEndian(row.AsSpan(5 + 6 * x), blue);
        }
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            for (var y = 0; y < height; y++)
                zlib.Write(row);
        }
        byte[] signature = [0x89, .. "PNG\r\n\u001a\n"u8];
        byte[] header = [0, 0, 0, (byte)width, 0, 0, 0, (byte)height, 16, 2, 0, 0, 0];      // 16 bits, RGB
        File.WriteAllBytes(path, [.. signature, .. Chunk("IHDR"u8, header), .. Chunk("IDAT"u8, packed.ToArray()), .. Chunk("IEND"u8, [])]);
        return path;
    }

    private static byte[] Chunk(ReadOnlySpan<byte> type, byte[] content)
    {
        byte[] chunk = [0, 0, 0, 0, .. type, .. content, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), Crc32(chunk.AsSpan(4, chunk.Length - 8)));
        return chunk;
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xedb88320 & (0u - (crc & 1)));
        }
        return ~crc;
    }

    private static SKEncodedImageFormat Format(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".png" => SKEncodedImageFormat.Png,
        ".webp" => SKEncodedImageFormat.Webp,
        _ => SKEncodedImageFormat.Jpeg,
    };
}
