using System.Buffers.Binary;

namespace Patchwork.Imaging;

/// <summary>An image format, supported or not, that is recognized by the first bytes of a file.</summary>
/// <param name="Name">Name of the format.</param>
/// <param name="IsRead">True if <see cref="ImageDecoder"/> reads the format.</param>
internal sealed record PictureFormat(string Name, bool IsRead)
{
    /// <summary>The supported formats, for messages.</summary>
    public const string Read = "PNG, JPEG, WebP, BMP or GIF";

    private const int Head = 512;      // bytes that identify any of them; an SVG file may start with a comment

    private static readonly PictureFormat Png = new("PNG", true), Jpeg = new("JPEG", true), Webp = new("WebP", true),
        Gif = new("GIF", true), Bmp = new("BMP", true), Heic = new("HEIC", false), Avif = new("AVIF", false), Tiff = new("TIFF", false),
        JpegXl = new("JPEG XL", false), Jpeg2000 = new("JPEG 2000", false), Photoshop = new("PSD", false), Svg = new("SVG", false),
        Pdf = new("PDF", false), Icon = new("an icon", false);

    /// <summary>The first bytes of every PNG file.</summary>
    public static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a];

    // What may precede the first element of an SVG file: a byte order mark, spaces and line ends.
    private static ReadOnlySpan<byte> Blank => [0xef, 0xbb, 0xbf, (byte)' ', (byte)'\t', (byte)'\r', (byte)'\n'];

    /// <summary>The format of a file; null if its first bytes match no image format.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static PictureFormat? OfFile(string path)
    {
        using var stream = File.OpenRead(path);
        var head = new byte[Head];
        return Of(head.AsSpan(0, stream.ReadAtLeast(head, Head, throwOnEndOfStream: false)), stream.Length);
    }

    /// <summary>
    /// The format of a file of <paramref name="length"/> bytes, given the first of them; null if they match no image format.
    /// </summary>
    public static PictureFormat? Of(ReadOnlySpan<byte> head, long length) => head switch
    {
        _ when head.StartsWith(PngSignature) => Png,
        [0xff, 0xd8, 0xff, ..] => Jpeg,
        _ when head.StartsWith("RIFF"u8) && head.Length >= 12 && head[8..].StartsWith("WEBP"u8) => Webp,
        _ when head.StartsWith("GIF87a"u8) || head.StartsWith("GIF89a"u8) => Gif,
        [(byte)'B', (byte)'M', ..] when IsBitmap(head, length) => Bmp,
        [(byte)'I', (byte)'I', 42, 0, ..] or [(byte)'M', (byte)'M', 0, 42, ..] or [(byte)'I', (byte)'I', 43, 0, ..] => Tiff,
        _ when head.Length >= 12 && head[4..].StartsWith("ftyp"u8) => OfBrands(head),
        [0xff, 0x0a, ..] => JpegXl,
        _ when head.Length >= 8 && head[4..].StartsWith("JXL "u8) => JpegXl,
        _ when head.Length >= 8 && head[4..].StartsWith("jP  "u8) => Jpeg2000,
        _ when head.StartsWith("8BPS"u8) => Photoshop,
        _ when head.StartsWith("%PDF"u8) => Pdf,
        [0, 0, 1, 0, > 0, 0, ..] => Icon,
        _ when head.TrimStart(Blank) is [(byte)'<', ..] && head.IndexOf("<svg"u8) >= 0 => Svg,
        _ => null,
    };

    // Many texts start with these two letters, so the offset of the pixels and the size of the header must be possible too.
    private static bool IsBitmap(ReadOnlySpan<byte> head, long length) => head.Length >= 18
        && BinaryPrimitives.ReadUInt32LittleEndian(head[10..]) <= length
        && BinaryPrimitives.ReadUInt32LittleEndian(head[14..]) is 12 or 16 or 40 or 52 or 56 or 64 or 108 or 124;

    // ISO base media: the major brand, a version, compatible brands. Videos have other brands.
    private static PictureFormat? OfBrands(ReadOnlySpan<byte> head)
    {
        var end = (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(head), (uint)head.Length);
        var other = false;
        for (var at = 8; at + 4 <= end; at += at == 8 ? 8 : 4)
        {
            var brand = head.Slice(at, 4);
            if (brand.SequenceEqual("avif"u8) || brand.SequenceEqual("avis"u8))
                return Avif;
            other |= brand.StartsWith("hei"u8) || brand.StartsWith("hev"u8) || brand.SequenceEqual("mif1"u8)
                || brand.SequenceEqual("msf1"u8);
        }
        return other ? Heic : null;
    }
}
