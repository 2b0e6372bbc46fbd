using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using SkiaSharp;

namespace Patchwork.Tests.Support;

/// <summary>Writes the image files that tests need.</summary>
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

    /// <summary>Writes an image file, encoded according to its extension.</summary>
    public static string Write(string path, SKBitmap bitmap)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var data = bitmap.Encode(Format(path), 100);
        using (bitmap)
            File.WriteAllBytes(path, data.ToArray());
        return path;
    }

    /// <summary>Writes an image of random-looking but fixed pixels, so that its file is long enough to be cut off.</summary>
    public static string WriteNoise(string path, int height = 64, int width = 64) =>
        Write(path, Paint(height, width, (y, x) => new SKColor((byte)(y * 37 + x * 101), (byte)(y * x * 13), (byte)(x * 59 ^ y * 29))));

    /// <summary>Writes an image of one colour.</summary>
    public static string WritePlain(string path, SKColor color, int height = 16, int width = 16) =>
        Write(path, Paint(height, width, (_, _) => color));

    /// <summary>Cuts a file off after the given share.</summary>
    public static void Cut(string path, double share)
    {
        var bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..(int)(bytes.Length * share)]);
    }

    /// <summary>Writes an EXIF orientation into a JPEG, PNG or WebP file.</summary>
    public static void InsertOrientation(string path, ushort orientation) => InsertExif(path, Exif(orientation));

    /// <summary>An EXIF block that contains only an orientation, in Motorola or Intel byte order.</summary>
    public static byte[] Exif(ushort orientation, bool little = false) => little
        ? [(byte)'I', (byte)'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0]
        : [(byte)'M', (byte)'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0];

    /// <summary>Inserts an EXIF block after a JPEG's first marker, a PNG's header or a WebP's pixels.</summary>
    public static void InsertExif(string path, byte[] exif)
    {
        var file = File.ReadAllBytes(path);
        File.WriteAllBytes(path, Format(path) switch
        {
            SKEncodedImageFormat.Png => [.. file[..33], .. Chunk("eXIf"u8, exif), .. file[33..]],
            SKEncodedImageFormat.Webp => WebpWithExif(file, exif),
            _ => [.. file[..2], 0xff, 0xe1, 0, (byte)(exif.Length + 8), .. "Exif\0\0"u8, .. exif, .. file[2..]],
        });
    }

    /// <summary>Inserts a chunk of any type after a PNG's header.</summary>
    public static void InsertChunk(string path, string type, byte[] content)
    {
        var png = File.ReadAllBytes(path);
        File.WriteAllBytes(path, [.. png[..33], .. Chunk(Encoding.ASCII.GetBytes(type), content), .. png[33..]]);
    }

    /// <summary>Writes a BMP of 24 bits per pixel, with rows from the bottom up, because Skia does not write BMP.</summary>
    public static string WriteBmp(string path, int height, int width, Func<int, int, SKColor> color)
    {
        var stride = (3 * width + 3) / 4 * 4;
        var bmp = new byte[54 + stride * height];
        "BM"u8.CopyTo(bmp);
        foreach (var (at, value) in new[] { (2, bmp.Length), (10, 54), (14, 40), (18, width), (22, height), (26, 1 | 24 << 16) })
            BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(at), value);
        for (var i = 0; i < height * width; i++)
        {
            var (c, at) = (color(i / width, i % width), 54 + (height - 1 - i / width) * stride + i % width * 3);
            (bmp[at], bmp[at + 1], bmp[at + 2]) = (c.Blue, c.Green, c.Red);
        }
        File.WriteAllBytes(path, bmp);
        return path;
    }

    /// <summary>Writes a GIF of 2×2 pixels and two frames: red, green, blue, white (row by row), then all red.</summary>
    public static string WriteGif(string path)
    {
        // Codes of 3 bits, lowest first: 4 clears the table, 5 ends.
        static byte[] Frame(params int[] p) =>
            [0x2c, 0, 0, 0, 0, 2, 0, 2, 0, 0, 2, 3, .. Packed(4, p[0], p[1], 4, p[2], p[3], 5), 0];
        static byte[] Packed(params int[] codes)
        {
            var bits = codes.Select((code, i) => code << 3 * i).Sum();
            return [(byte)bits, (byte)(bits >> 8), (byte)(bits >> 16)];
        }

        byte[] palette = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
        File.WriteAllBytes(path, [.. "GIF89a"u8, 2, 0, 2, 0, 0x81, 0, 0, .. palette, .. Frame(0, 1, 2, 3), .. Frame(0, 0, 0, 0), 0x3b]);
        return path;
    }

    /// <summary>Changes the size in the header of a PNG, with a correct checksum.</summary>
    public static void ClaimSize(string path, int height, int width)
    {
        var png = File.ReadAllBytes(path);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc32(png.AsSpan(12, 17)));
        File.WriteAllBytes(path, png);
    }

    /// <summary>A small progressive JPEG (33×41, 4:2:0, quality 40), written by libjpeg, because Skia does not write them.</summary>
    public static byte[] Progressive => Convert.FromBase64String("""
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/
        2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wgARCAAhACkDASIAAhEBAxEB/8QA
        GAAAAwEBAAAAAAAAAAAAAAAAAgMEAAH/xAAZAQADAQEBAAAAAAAAAAAAAAACAwQAAQX/2gAMAwEAAhADEAAAAXqqmkKPoFcNJLLlBLX3LKgbezTLolzFc2ad
        Newoln28w//EABkQAQEBAQEBAAAAAAAAAAAAAAEAAhASIP/aAAgBAQABBQLzalhh7uYI56lgjE5+MRbb13MWuf/EABoRAAIDAQEAAAAAAAAAAAAAAAABAgMh
        ETH/2gAIAQMBAT8B7hWk2SwuxFbJSZeVkvT/xAAbEQADAAIDAAAAAAAAAAAAAAAAAQIhMQMSE//aAAgBAgEBPwGFkU4OhPGM9JW2IZGj/8QAFBABAAAAAAAA
        AAAAAAAAAAAAQP/aAAgBAQAGPwJ3/8QAGhAAAwEBAQEAAAAAAAAAAAAAAAERECExcf/aAAgBAQABPyFciQ7btLwYWvNN0K5QJiEFUEJHwMWfG//aAAwDAQAC
        AAMAAAAQTJP7KMhBC//EABgRAQEBAQEAAAAAAAAAAAAAAAEAESEg/9oACAEDAQE/EFndqGQsInKcZT4r/8QAGREAAwEBAQAAAAAAAAAAAAAAAAEhEBEx/9oA
        CAECAQE/EGuhI4EI7UFHTPvD/8QAHBAAAgMAAwEAAAAAAAAAAAAAAAEQETEhQVHw/9oACAEBAAE/EFLBVY1Bt6OajUXWNBl4NSKMbFt4ceFHI8pDNsQ2hAO3
        b8Pi4aOsGHH/2Q==
        """);

    /// <summary>A small CMYK JPEG (33×41, quality 30), written by libjpeg, because Skia does not write them.</summary>
    public static byte[] Cmyk => Convert.FromBase64String("""
        /9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAbEhQXFBEbFxYXHhwbIChCKyglJShROj0wQmBVZWRfVV1baniZgWpxkHNbXYW1hpCeo6utq2eAvMm6pseZqKuk/8AA
        FAgAIQApBEMRAE0RAFkRAEsRAP/EABoAAAMBAQEBAAAAAAAAAAAAAAMEBQIBBgf/xAArEAACAgECBQMCBwAAAAAAAAAAAQIDEQQSBRMhMUEiMlEUMxZSYWSh
        o+L/2gAOBEMATQBZAEsAAD8ApaSOIIelpEl2IMKiOkB188RYrbXsDwqNJHntRLdYJ23uHkYhUbSHeHQy0Aesee4eFRpIv1rbWEr1Ll5DwqNJGN4bmBOUawbq
        W2suWWxaJUKhZIl8Ss6Mn6mSecB4VG0iI/VYStRBtsPCo0kWeG19hR1SyMQqNJFab21h6a2mHhUcssVa+ZPshPmDW1hOUB5tn5v4HJemsItbnySoVG0iFxGz
        qzUbN4eFRpIn0rdYEWn3+A8KjSR6Dh8MRRr6H9A8KjllirXzJ9kNaqW2Bx6Xb4GIVC/WTy+rZM5hnlhOUdwU9TLbAi1uWSVCoMked108yZR0uemQ8KjSRjRx
        zNFbT4wg8KjllirXzJ9kej0kcQQ4lHAeFQv1k8vq2C188RYC/bgW4hxXS8OW2T5l3iuDWV0z1+F2NJEnmCnQm/ir9h/b/k7gtaz2Mhw7jsAqPOav3sd0/gPA
        2gug9yKdAeAtd92R6LT/AG0MrsHgcQlxHswN3Y+dQNIkC4Q6f//Z
        """);

    /// <summary>Writes a JPEG, by default with the chroma halved on both axes, as cameras do.</summary>
    public static string WriteJpeg(string path, SKBitmap bitmap, int quality,
        SKJpegEncoderDownsample downsample = SKJpegEncoderDownsample.Downsample420)
    {
        using (bitmap)
        {
            using var pixels = bitmap.PeekPixels();
            using var file = File.Create(path);
            if (!pixels.Encode(file, new SKJpegEncoderOptions(quality, downsample, SKJpegEncoderAlphaOption.Ignore)))
                throw new InvalidOperationException($"{path} was not encoded");
        }
        return path;
    }

    /// <summary>Writes a PNG of one colour with 16 bits per channel, chunk by chunk, because Skia does not write them.</summary>
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

    // Puts the header of the extended format (flags, size minus one) before the existing chunks, and the EXIF block after them.
    private static byte[] WebpWithExif(byte[] file, byte[] exif)
    {
        using var codec = SKCodec.Create(new MemoryStream(file));
        var (width, height) = (codec.Info.Width - 1, codec.Info.Height - 1);
        byte[] extended = [8, 0, 0, 0, (byte)width, (byte)(width >> 8), 0, (byte)height, (byte)(height >> 8), 0];
        byte[] webp = [.. file[..12], .. "VP8X"u8, 10, 0, 0, 0, .. extended, .. file[12..], .. "EXIF"u8, (byte)exif.Length, 0, 0, 0, .. exif];
        BinaryPrimitives.WriteInt32LittleEndian(webp.AsSpan(4), webp.Length - 8);
        return webp;
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
