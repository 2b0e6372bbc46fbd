using Patchwork.Internals;
using SkiaSharp;

namespace Patchwork.Data;

/// <summary>
/// Pictures from PNG, JPEG and WebP files, brought to one size. The order of the work: the whole file is decoded (8 bits a channel, also
/// from 16; grey becomes R = G = B; colour profiles are ignored), transparency is laid over white, the shorter side is resized and the
/// longer one cut to its middle by one <see cref="Resampling"/>, and the result is turned the way the camera was held (EXIF orientation,
/// all eight).
/// </summary>
public static class ImageDecoder
{
    /// <summary>Pixels of the largest picture that is decoded. A small file can claim any size; this one still takes 400 MB while it is
    /// decoded.</summary>
    public const long LargestPixels = 100_000_000;

    /// <summary>Decodes a picture. Thread-safe.</summary>
    /// <param name="path">A PNG, JPEG or WebP file.</param>
    /// <param name="height">Rows wanted, at least 1.</param>
    /// <param name="width">Columns wanted, at least 1.</param>
    /// <param name="planar">Receives channels · height · width bytes: channel, row, column.</param>
    /// <param name="channels">3: R, G, B; 1: luma (0.299 R + 0.587 G + 0.114 B).</param>
    /// <exception cref="InputException">The file cannot be read, is no picture, is damaged or cut off, or is larger than
    /// <see cref="LargestPixels"/>.</exception>
    public static void Decode(string path, int height, int width, Span<byte> planar, int channels = 3)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if (channels is not (1 or 3) || planar.Length != (long)channels * height * width)
            throw new ArgumentException($"A picture needs 1 or 3 channels and a buffer of channels * height * width bytes. "
                + $"Received: {channels} channels, {height}×{width}, {planar.Length} bytes.", nameof(planar));
        Decode(ReadFile(path), path, height, width, planar, channels, LargestPixels);
    }

    /// <summary>Checks that a file begins like a picture that <see cref="Decode(string, int, int, Span{byte}, int)"/> takes, without
    /// decoding it.</summary>
    /// <exception cref="InputException">As for <see cref="Decode(string, int, int, Span{byte}, int)"/>; damage behind the header is not
    /// found.</exception>
    internal static void CheckHeader(string path) => OpenChecked(ReadFile(path), path, LargestPixels).Dispose();

    /// <summary>Decodes the bytes of a file; <paramref name="path"/> is its name in messages.</summary>
    /// <exception cref="InputException">As for the file.</exception>
    internal static void Decode(byte[] file, string path, int height, int width, Span<byte> planar, int channels, long largestPixels)
    {
        using var codec = OpenChecked(file, path, largestPixels);
        using var bitmap = new SKBitmap(new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Premul));
        var result = codec.GetPixels(bitmap.Info, bitmap.GetPixels());
        if (result != SKCodecResult.Success)
            throw Damaged(path, result);
        var orientation = codec.EncodedOrigin;
        var (rows, columns) = Transposes(orientation) ? (width, height) : (height, width);
        var rgb = Resampling.Of(bitmap.GetPixelSpan(), bitmap.Height, bitmap.Width, bitmap.RowBytes, rows, columns);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var (row, column) = Stored(orientation, y, x, rows, columns);
                Write(rgb.AsSpan((row * columns + column) * 3, 3), planar[(y * width + x)..], height * width, channels);
            }
        }
    }

    private static byte[] ReadFile(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The image {path} cannot be read: {error.Message}", error);
        }
    }

    private static SKCodec OpenChecked(byte[] file, string path, long largestPixels)
    {
        var codec = SKCodec.Create(new MemoryStream(file), out var result);
        if (codec is null)
            throw Damaged(path, result);
        var (height, width) = (codec.Info.Height, codec.Info.Width);
        if ((long)height * width <= largestPixels)
            return codec;
        codec.Dispose();
        throw new InputException($"The image {path} must have at most {largestPixels / 1_000_000} megapixels. "
            + $"Received: {height}×{width} (height × width). Make it smaller or take it out.");
    }

    private static InputException Damaged(string path, SKCodecResult result) => new($"The image {path} is damaged: " + result switch
    {
        SKCodecResult.IncompleteInput => "the file ends before the picture does",
        SKCodecResult.ErrorInInput => "its data contradict the format",
        SKCodecResult.Unimplemented => "it is not a PNG, JPEG or WebP picture",
        _ => $"it cannot be decoded ({result})",
    } + ". Copy it again or take it out.");

    private static bool Transposes(SKEncodedOrigin orientation) => orientation >= SKEncodedOrigin.LeftTop;

    // Where the pixel shown at (y, x) is stored, in a stored picture of rows × columns (EXIF 2.32, 4.6.4.A; the names say where row 0 and
    // column 0 of the stored picture are shown).
    private static (int Row, int Column) Stored(SKEncodedOrigin orientation, int y, int x, int rows, int columns) => orientation switch
    {
        SKEncodedOrigin.TopRight => (y, columns - 1 - x),
        SKEncodedOrigin.BottomRight => (rows - 1 - y, columns - 1 - x),
        SKEncodedOrigin.BottomLeft => (rows - 1 - y, x),
        SKEncodedOrigin.LeftTop => (x, y),
        SKEncodedOrigin.RightTop => (rows - 1 - x, y),
        SKEncodedOrigin.RightBottom => (rows - 1 - x, columns - 1 - y),
        SKEncodedOrigin.LeftBottom => (x, columns - 1 - y),
        _ => (y, x),
    };

    private static void Write(ReadOnlySpan<float> rgb, Span<byte> planar, int area, int channels)
    {
        if (channels == 1)
        {
            planar[0] = Level(0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2]);
            return;
        }
        for (var channel = 0; channel < 3; channel++)
            planar[channel * area] = Level(rgb[channel]);
    }

    private static byte Level(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);
}
