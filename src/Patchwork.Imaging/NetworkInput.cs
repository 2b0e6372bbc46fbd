using Patchwork.Imaging;

namespace Patchwork;

/// <summary>The input of a network, and how an image is converted to it.</summary>
/// <param name="Channels">3 for red, green and blue, 1 for grey.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="CenterCrop">Fraction of the sides of the largest centred window that is kept, in (0, 1].</param>
/// <param name="ScaledDecoding">Whether large JPEG files are decoded at 1/2, 1/4 or 1/8 of their size.</param>
internal sealed record NetworkInput(int Channels, int Height, int Width, double CenterCrop, bool ScaledDecoding)
{
    /// <summary>Bytes per image.</summary>
    public int Size => Channels * Height * Width;

    /// <summary>Decodes an image file to bytes ordered by channel, row, column.</summary>
    /// <exception cref="InputException">The file cannot be read, is not an image, is damaged, or is too large.</exception>
    public byte[] Decode(string path, long largestPixels)
    {
        var planar = new byte[Size];
        ImageDecoder.Decode(path, Height, Width, planar, Channels, CenterCrop, ScaledDecoding, largestPixels);
        return planar;
    }

    /// <summary>Decodes an image in memory.</summary>
    /// <exception cref="InputException">The bytes are not an image, are damaged, or are of an image that is too large.</exception>
    public byte[] Decode(byte[] file, long largestPixels)
    {
        var planar = new byte[Size];
        ImageDecoder.Decode(file, Height, Width, planar, Channels, CenterCrop, ScaledDecoding, largestPixels);
        return planar;
    }

    /// <summary>Reorders decoded pixels with interleaved channels to planes.</summary>
    /// <exception cref="ArgumentException">The number of bytes is wrong.</exception>
    public byte[] Planes(ReadOnlySpan<byte> rows)
    {
        if (rows.Length != Size)
            throw new ArgumentException($"An image must have {Height}×{Width} pixels of {Channels} bytes. Received: {rows.Length} bytes.",
                nameof(rows));
        var (planar, places) = (new byte[Size], Height * Width);
        for (var i = 0; i < rows.Length; i++)
            planar[i % Channels * places + i / Channels] = rows[i];
        return planar;
    }
}
