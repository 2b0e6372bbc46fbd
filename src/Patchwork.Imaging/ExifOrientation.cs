using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using SkiaSharp;

namespace Patchwork.Imaging;

/// <summary>
/// The orientation of the camera as PNG and WebP files store it: the EXIF orientation tag, in the chunk <c>eXIf</c> of PNG (or, in files
/// from older programs, as hexadecimal text) and in the chunk <c>EXIF</c> of WebP. Data that is damaged or contradicts the format counts
/// as upright.
/// </summary>
internal static class ExifOrientation
{
    private const int LongestProfile = 1 << 20;      // limit on the uncompressed text, in characters
    private const ushort OrientationTag = 0x0112;

    /// <summary>The orientation stored in a file; upright if it stores none.</summary>
    public static SKEncodedOrigin Of(ReadOnlySpan<byte> file) => file.StartsWith(PictureFormat.PngSignature) ? OfPng(file) : OfWebp(file);

    /// <summary>Orientation of a PNG file. An EXIF chunk takes precedence over text, in whichever order they appear.</summary>
    public static SKEncodedOrigin OfPng(ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith(PictureFormat.PngSignature))
            return SKEncodedOrigin.TopLeft;
        var rest = file[PictureFormat.PngSignature.Length..];
        var text = SKEncodedOrigin.TopLeft;
        while (rest.Length >= 12 && BinaryPrimitives.ReadUInt32BigEndian(rest) is var length && length <= rest.Length - 12)      // with CRC
        {
            var type = rest.Slice(4, 4);
            var content = rest.Slice(8, (int)length);
            if (type.SequenceEqual("eXIf"u8))
                return OfTiff(content);
            var packed = type.SequenceEqual("zTXt"u8);
            if (text == SKEncodedOrigin.TopLeft && (packed || type.SequenceEqual("tEXt"u8)))
                text = OfText(content, packed);
            rest = rest[(12 + (int)length)..];
        }
        return text;
    }

    /// <summary>Orientation of a WebP file.</summary>
    public static SKEncodedOrigin OfWebp(ReadOnlySpan<byte> file)
    {
        const int header = 12;      // RIFF, length, WEBP
        if (file.Length < header || !file.StartsWith("RIFF"u8) || !file[8..].StartsWith("WEBP"u8))
            return SKEncodedOrigin.TopLeft;
        var rest = file[header..];
        while (rest.Length >= 8 && BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]) is var length && length <= rest.Length - 8)
        {
            if (rest.StartsWith("EXIF"u8))
                return OfTiff(rest.Slice(8, (int)length));
            rest = rest[(int)Math.Min(8L + length + length % 2, rest.Length)..];      // chunks start at even offsets
        }
        return SKEncodedOrigin.TopLeft;
    }

    /// <summary>Orientation in an EXIF block: a TIFF header and its first directory, in either byte order (EXIF 2.32, 4.5).</summary>
    public static SKEncodedOrigin OfTiff(ReadOnlySpan<byte> exif)
    {
        while (exif.StartsWith("Exif\0\0"u8))      // a prefix of JPEG that some programs copy along
            exif = exif[6..];
        if (exif.Length < 8)
            return SKEncodedOrigin.TopLeft;
        var little = exif.StartsWith("II"u8);
        if (!little && !exif.StartsWith("MM"u8) || Short(exif[2..], little) != 42)
            return SKEncodedOrigin.TopLeft;
        var start = little ? BinaryPrimitives.ReadUInt32LittleEndian(exif[4..]) : BinaryPrimitives.ReadUInt32BigEndian(exif[4..]);
        if (start > exif.Length - 2)
            return SKEncodedOrigin.TopLeft;
        var directory = exif[(int)start..];
        var entries = directory[2..];
        for (var left = Short(directory, little); left > 0 && entries.Length >= 12; left--, entries = entries[12..])
        {
            if (Short(entries, little) == OrientationTag)
                return Short(entries[2..], little) == 3 && Short(entries[8..], little) is >= 1 and <= 8 and var value      // 3: SHORT
                    ? (SKEncodedOrigin)value
                    : SKEncodedOrigin.TopLeft;
        }
        return SKEncodedOrigin.TopLeft;
    }

    private static ushort Short(ReadOnlySpan<byte> bytes, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    // ImageMagick's "Raw profile type exif" (or APP1): an empty line, one with the kind, one with the number of bytes, then lines of
    // hexadecimal digits.
    private static SKEncodedOrigin OfText(ReadOnlySpan<byte> content, bool packed)
    {
        var end = content.IndexOf((byte)0);
        if (end < 0 || !content[..end].SequenceEqual("Raw profile type exif"u8) && !content[..end].SequenceEqual("Raw profile type APP1"u8))
            return SKEncodedOrigin.TopLeft;
        var text = content[(end + 1)..];
        if (packed && (text.IsEmpty || !TryUnpack(text[1..], out text)))      // skips the compression method, of which there is only one
            return SKEncodedOrigin.TopLeft;
        var lines = Encoding.Latin1.GetString(text).Split('\n');
        try
        {
            return lines.Length < 4 ? SKEncodedOrigin.TopLeft : OfTiff(Convert.FromHexString(string.Concat(lines.Skip(3)).Trim()));
        }
        catch (FormatException)
        {
            return SKEncodedOrigin.TopLeft;
        }
    }

    private static bool TryUnpack(ReadOnlySpan<byte> packed, out ReadOnlySpan<byte> text)
    {
        try
        {
            using var stream = new ZLibStream(new MemoryStream(packed.ToArray()), CompressionMode.Decompress);
            var buffer = new byte[LongestProfile];
            text = buffer.AsSpan(0, stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false));
            return true;
        }
        catch (InvalidDataException)
        {
            text = default;
            return false;
        }
    }
}
