using Patchwork.Imaging;

namespace Patchwork;

/// <summary>What a network takes: how a picture becomes its pixels.</summary>
/// <param name="Channels">3 for red, green and blue, 1 for grey.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="CenterCrop">Share of the sides of the picture's middle that is looked at, in (0, 1].</param>
/// <param name="ScaledDecoding">Whether large JPEG files are decoded at 1/2, 1/4 or 1/8 of their size.</param>
internal sealed record NetworkInput(int Channels, int Height, int Width, double CenterCrop, bool ScaledDecoding)
{
    /// <summary>Bytes of a picture.</summary>
    public int Size => Channels * Height * Width;

    /// <summary>A picture in a file: channel, row, column.</summary>
    /// <exception cref="InputException">The file cannot be read, is no picture, damaged or too large.</exception>
    public byte[] Decode(string path, long largestPixels)
    {
        var planar = new byte[Size];
        ImageDecoder.Decode(path, Height, Width, planar, Channels, CenterCrop, ScaledDecoding, largestPixels);
        return planar;
    }

    /// <summary>A picture in memory.</summary>
    /// <exception cref="InputException">The bytes are no picture, damaged, or of one that is too large.</exception>
    public byte[] Decode(byte[] file, long largestPixels)
    {
        var planar = new byte[Size];
        ImageDecoder.Decode(file, Height, Width, planar, Channels, CenterCrop, ScaledDecoding, largestPixels);
        return planar;
    }

    /// <summary>Pixels that are decoded already, a pixel's channels side by side.</summary>
    /// <exception cref="ArgumentException">There are not as many bytes.</exception>
    public byte[] Planes(ReadOnlySpan<byte> rows)
    {
        if (rows.Length != Size)
            throw new ArgumentException($"A picture has {Height}×{Width} pixels of {Channels} bytes. Received: {rows.Length} bytes.",
                nameof(rows));
        var (planar, places) = (new byte[Size], Height * Width);
        for (var i = 0; i < rows.Length; i++)
            planar[i % Channels * places + i / Channels] = rows[i];
        return planar;
    }
}
