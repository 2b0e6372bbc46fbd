using System.Buffers.Binary;
using SkiaSharp;

namespace Patchwork.Imaging;

/// <summary>
/// How the camera was held, from the EXIF of PNG files (chunk <c>eXIf</c>, PNG third edition, 11.3.4.5) and WebP files (chunk <c>EXIF</c>);
/// Skia reads that of JPEG files. Anything that is damaged counts as upright: the picture itself may be whole.
/// </summary>
internal static class ExifOrientation
{
    private const ushort Orientation = 0x0112, Short = 3, Long = 4;

    /// <summary>The orientation that a file's bytes say; upright where they say none.</summary>
    public static SKEncodedOrigin Of(ReadOnlySpan<byte> file)
    {
        var exif = file.StartsWith(PictureFormat.PngSignature) ? PngChunk(file)
            : file is [(byte)'R', (byte)'I', (byte)'F', (byte)'F', ..] ? WebpChunk(file) : [];
        return InTiff(exif.StartsWith("Exif\0\0"u8) ? exif[6..] : exif);
    }

    // Length, type, content, checksum, one chunk after the other; EXIF may stand before or behind the pixels.
    private static ReadOnlySpan<byte> PngChunk(ReadOnlySpan<byte> file)
    {
        for (long at = PictureFormat.PngSignature.Length; at + 12 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(file[(int)at..]);
            if (at + 12 + length > file.Length)
                break;
            if (file.Slice((int)at + 4, 4).SequenceEqual("eXIf"u8))
                return file.Slice((int)at + 8, (int)length);
            at += 12 + length;
        }
        return [];
    }

    // Type, length, content, padded to an even length, behind the 12 bytes of the container.
    private static ReadOnlySpan<byte> WebpChunk(ReadOnlySpan<byte> file)
    {
        for (long at = 12; at + 8 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(file[((int)at + 4)..]);
            if (at + 8 + length > file.Length)
                break;
            if (file.Slice((int)at, 4).SequenceEqual("EXIF"u8))
                return file.Slice((int)at + 8, (int)length);
            at += 8 + length + (length & 1);
        }
        return [];
    }

    // TIFF 6.0: byte order, 42, place of the first directory; there a count, and twelve bytes an entry: tag, type, count, value.
    private static SKEncodedOrigin InTiff(ReadOnlySpan<byte> tiff)
    {
        var little = tiff is [(byte)'I', (byte)'I', 42, 0, ..];
        if (tiff.Length < 8 || !little && tiff is not [(byte)'M', (byte)'M', 0, 42, ..])
            return SKEncodedOrigin.Default;
        ushort Two(ReadOnlySpan<byte> bytes) =>
            little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);
        uint Four(ReadOnlySpan<byte> bytes) =>
            little ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
        var first = Four(tiff[4..]);
        if (first + 2L > tiff.Length)
            return SKEncodedOrigin.Default;
        var entries = Two(tiff[(int)first..]);
        for (var i = 0; i < entries && first + 2L + 12 * (i + 1) <= tiff.Length; i++)
        {
            var entry = tiff.Slice((int)first + 2 + 12 * i, 12);
            if (Two(entry) != Orientation)
                continue;
            var value = Two(entry[2..]) switch { Short => Two(entry[8..]), Long => Four(entry[8..]), _ => 0u };
            return value is >= 1 and <= 8 ? (SKEncodedOrigin)value : SKEncodedOrigin.Default;      // its names are EXIF's numbers
        }
        return SKEncodedOrigin.Default;
    }
}
