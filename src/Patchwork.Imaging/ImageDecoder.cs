using System.Buffers;
using SkiaSharp;

namespace Patchwork.Imaging;

/// <summary>
/// Decodes PNG, JPEG, WebP, BMP and GIF files, whatever their extension, to images of one size. The steps: the whole file is decoded
/// (8 bits per channel, also from 16; grey becomes R = G = B; colour profiles are ignored; an animation gives its first frame),
/// transparency is blended onto white, the shorter side is resized and the longer one center-cropped by one <see cref="Resampling"/>, and
/// the result is turned upright (all eight EXIF orientations, in PNG and WebP files too).
/// </summary>
/// <remarks>
/// Scaled decoding reads large JPEG files several times faster: their blocks of 8×8 pixels are transformed to 4×4, 2×2 or 1×1, the
/// smallest size that leaves at least two pixels per output pixel along both axes of the window. On photographs the result differs from
/// that of full decoding by less than one of 255 levels on average; on details of one or two pixels by more.
/// </remarks>
public static class ImageDecoder
{
    /// <summary>Maximum number of pixels of an image that is decoded. A small file can claim any size; an image of this size takes 400 MB
    /// while it is decoded.</summary>
    public const long LargestPixels = 100_000_000;

    /// <summary>Decodes an image file. Thread-safe.</summary>
    /// <param name="path">A PNG, JPEG, WebP, BMP or GIF file.</param>
    /// <param name="height">Rows of the result. Range: at least 1.</param>
    /// <param name="width">Columns of the result. Range: at least 1.</param>
    /// <param name="planar">Receives channels · height · width bytes, ordered by channel, row, column.</param>
    /// <param name="channels">3: R, G, B; 1: luma (0.299 R + 0.587 G + 0.114 B).</param>
    /// <param name="centerCrop">Fraction of the sides of the largest centred window that is kept, in (0, 1]. Default 1. 0.875 is "resize to
    /// 256, keep 224".</param>
    /// <param name="scaled">Whether to decode a JPEG file at 1/2, 1/4 or 1/8 of its size if that leaves at least twice the requested size.
    /// Default false.</param>
    /// <param name="largestPixels">Maximum number of pixels of an image that is accepted. Default <see cref="LargestPixels"/>.</param>
    /// <exception cref="InputException">The file cannot be read, is not an image, is damaged or cut off, or is too large.</exception>
    public static void Decode(string path, int height, int width, Span<byte> planar, int channels = 3, double centerCrop = 1,
        bool scaled = false, long largestPixels = LargestPixels)
    {
        CheckBuffer(height, width, planar, channels);
        Decode(ReadFile(path), height, width, planar, channels, centerCrop, scaled, largestPixels, path);
    }

    /// <summary>Decodes an image in memory. Thread-safe.</summary>
    /// <param name="file">The bytes of a PNG, JPEG, WebP, BMP or GIF file.</param>
    /// <param name="height">Rows of the result. Range: at least 1.</param>
    /// <param name="width">Columns of the result. Range: at least 1.</param>
    /// <param name="planar">Receives channels · height · width bytes, ordered by channel, row, column.</param>
    /// <param name="channels">3: R, G, B; 1: luma (0.299 R + 0.587 G + 0.114 B).</param>
    /// <param name="centerCrop">Fraction of the sides of the largest centred window that is kept, in (0, 1]. Default 1.</param>
    /// <param name="scaled">Whether to decode at a reduced size, as for a file on disk. Default false.</param>
    /// <param name="largestPixels">Maximum number of pixels of an image that is accepted. Default <see cref="LargestPixels"/>.</param>
    /// <param name="name">Name of the image in messages.</param>
    /// <exception cref="InputException">As for a file on disk.</exception>
    public static void Decode(byte[] file, int height, int width, Span<byte> planar, int channels = 3, double centerCrop = 1,
        bool scaled = false, long largestPixels = LargestPixels, string name = "that was given")
    {
        CheckBuffer(height, width, planar, channels);
        Decode(file, name, height, width, planar, channels, largestPixels, (h, w) => Window.Centered(h, w, height, width, centerCrop),
            scaled);
    }

    /// <summary>Decodes a part of an image. Thread-safe.</summary>
    /// <param name="path">A PNG, JPEG, WebP, BMP or GIF file.</param>
    /// <param name="height">Rows of the result. Range: at least 1.</param>
    /// <param name="width">Columns of the result. Range: at least 1.</param>
    /// <param name="planar">Receives 3 · height · width bytes, ordered by channel (R, G, B), row, column.</param>
    /// <param name="choose">Chooses the part, given the rows and columns of the upright image. Called once.</param>
    /// <param name="scaled">Whether to decode a JPEG file at 1/2, 1/4 or 1/8 of its size if that leaves at least twice the requested size.
    /// Default false.</param>
    /// <exception cref="InputException">As for the whole image.</exception>
    public static void DecodeWindow(string path, int height, int width, Span<byte> planar, Func<int, int, Window> choose,
        bool scaled = false)
    {
        CheckBuffer(height, width, planar, channels: 3);
        Decode(ReadFile(path), path, height, width, planar, channels: 3, LargestPixels, choose, scaled);
    }

    /// <summary>Checks that a file starts like a supported image, without decoding it.</summary>
    /// <exception cref="InputException">As for decoding it; damage after the header is not found.</exception>
    /// <returns>The rows and columns of the image as it is shown, and whether it is stored rotated or mirrored.</returns>
    internal static (int Height, int Width, bool IsTurned) CheckHeader(string path)
    {
        var file = ReadFile(path);
        using var data = SKData.CreateCopy(file);
        using var codec = OpenChecked(data, path, LargestPixels);
        var orientation = Orientation(codec, file);
        var (height, width) = (codec.Info.Height, codec.Info.Width);
        return Transposes(orientation) ? (width, height, true) : (height, width, orientation != SKEncodedOrigin.Default);
    }

    private static SKEncodedOrigin Orientation(SKCodec codec, ReadOnlySpan<byte> file) =>
        codec.EncodedOrigin is not SKEncodedOrigin.Default and var known ? known : ExifOrientation.Of(file);

    /// <summary>Decodes the bytes of a file; <paramref name="path"/> is its name in messages.</summary>
    /// <exception cref="InputException">As for the public overloads.</exception>
    internal static unsafe void Decode(byte[] file, string path, int height, int width, Span<byte> planar, int channels, long largestPixels,
        Func<int, int, Window> choose, bool scaled = false)
    {
        fixed (byte* bytes = file)
        {
            using var data = SKData.Create((nint)bytes, file.Length);
            using var codec = OpenChecked(data, path, largestPixels);
            var isJpeg = codec.EncodedFormat == SKEncodedImageFormat.Jpeg;
            var (orientation, storedHeight, storedWidth) = (Orientation(codec, file), codec.Info.Height, codec.Info.Width);
            var window = StoredWindow(orientation, storedHeight, storedWidth, choose);
            var (rows, columns) = Transposes(orientation) ? (width, height) : (height, width);
            var reduction = scaled && isJpeg ? Reduction(window, rows, columns) : 1;
            var (reducedHeight, reducedWidth) = (Reduced(storedHeight, reduction), Reduced(storedWidth, reduction));
            var rented = ArrayPool<byte>.Shared.Rent(reducedHeight * reducedWidth * 4);
            var rgba = rented.AsSpan(0, reducedHeight * reducedWidth * 4);
            try
            {
                // Both decoders give the same pixels (a test compares them). SkiaSharp decodes what the faster one rejects.
                if (!isJpeg || !TurboJpeg.TryDecode(file, storedHeight, storedWidth, reduction, rgba))
                    DecodeBySkia(codec, path, rgba, reduction);
                // A reduced pixel covers reduction × reduction pixels, counted from the corner; only the last ones cover fewer.
                window = new(window.Top / reduction, window.Left / reduction, window.Height / reduction, window.Width / reduction);
                WriteUpright(rgba, reducedHeight, reducedWidth, orientation, window, height, width, planar, channels);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }

    /// <summary>
    /// The largest of 8, 4, 2 and 1 that leaves a window at least twice the requested size. <see cref="Resampling"/> then averages four or
    /// more pixels along each axis, which hides how each of them was averaged. Scaling by other eighths is no faster than full decoding.
    /// </summary>
    internal static int Reduction(Window window, int rows, int columns)
    {
        var reduction = 8;
        while (reduction > 1 && (window.Height / reduction < 2 * rows || window.Width / reduction < 2 * columns))
            reduction /= 2;
        return reduction;
    }

    /// <summary>The side of an image that is decoded at 1 / <paramref name="reduction"/>, rounded up as in libjpeg.</summary>
    internal static int Reduced(int side, int reduction) => (side + reduction - 1) / reduction;

    /// <summary>
    /// Decodes the whole image as it is stored, blended onto white: four bytes per pixel, the last one 255. JPEG files can be reduced by
    /// 2, 4 or 8.
    /// </summary>
    internal static unsafe void DecodeBySkia(SKCodec codec, string path, Span<byte> rgba, int reduction = 1)
    {
        fixed (byte* pixels = rgba)
        {
            var info = new SKImageInfo(Reduced(codec.Info.Width, reduction), Reduced(codec.Info.Height, reduction), SKColorType.Rgba8888,
                SKAlphaType.Premul);
            var result = codec.GetPixels(info, (nint)pixels);
            if (result != SKCodecResult.Success)
                throw Damaged(path, result);
        }
        if (codec.Info.AlphaType == SKAlphaType.Opaque)
            return;
        for (var i = 0; i < rgba.Length; i += 4)
        {
            var white = (byte)(255 - rgba[i + 3]);      // premultiplied colour plus the white that shows through
            (rgba[i], rgba[i + 1], rgba[i + 2], rgba[i + 3]) =
                ((byte)(rgba[i] + white), (byte)(rgba[i + 1] + white), (byte)(rgba[i + 2] + white), 255);
        }
    }

    /// <summary>Resizes a window of four-byte pixels, turns it upright and writes it as planes.</summary>
    internal static void WriteUpright(ReadOnlySpan<byte> rgba, int storedHeight, int storedWidth, SKEncodedOrigin orientation,
        Func<int, int, Window> choose, int height, int width, Span<byte> planar, int channels) =>
        WriteUpright(rgba, storedHeight, storedWidth, orientation, StoredWindow(orientation, storedHeight, storedWidth, choose), height,
            width, planar, channels);

    private static void WriteUpright(ReadOnlySpan<byte> rgba, int storedHeight, int storedWidth, SKEncodedOrigin orientation,
        Window window, int height, int width, Span<byte> planar, int channels)
    {
        var (rows, columns) = Transposes(orientation) ? (width, height) : (height, width);
        int Place(int row, int column)
        {
            var (y, x) = Shown(orientation, row, column, rows, columns);
            return y * width + x;
        }

        var start = Place(0, 0);
        var order = new PlaneOrder(start, Place(1, 0) - start, Place(0, 1) - start);
        Resampling.Resize(rgba, storedHeight, storedWidth, window, rows, columns, order, planar, channels);
    }

    private static void CheckBuffer(int height, int width, ReadOnlySpan<byte> planar, int channels)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if (channels is not (1 or 3) || planar.Length != (long)channels * height * width)
            throw new ArgumentException($"An image must have 1 or 3 channels and a buffer of channels * height * width bytes. "
                + $"Received: {channels} channels, {height}×{width}, {planar.Length} bytes.", nameof(planar));
    }

    private static byte[] ReadFile(string path)
    {
        try
        {
            if (Directory.Exists(path))
                throw new InputException($"An image must be a {PictureFormat.Read} file. "
                    + $"Received: {path}, which is a folder. Name the files in it.");
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"An image must be a {PictureFormat.Read} file. Received: {path}, which does not exist.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The image {path} cannot be read: {error.Message}", error);
        }
    }

    private static SKCodec OpenChecked(SKData file, string path, long largestPixels)
    {
        var codec = SKCodec.Create(new SKMemoryStream(file), out var result);      // the codec owns the stream
        // Skia supports more formats than these, and mistakes almost any file that starts with two zeros for one of them.
        if (codec is null || PictureFormat.Of(file.AsSpan(), file.Size) is not { IsRead: true })
        {
            codec?.Dispose();
            throw Unreadable(path, file, result);
        }
        var (height, width) = (codec.Info.Height, codec.Info.Width);
        if ((long)height * width <= largestPixels)
            return codec;
        codec.Dispose();
        throw new InputException($"The image {path} must have at most {largestPixels / 1_000_000} megapixels. "
            + $"Received: {height}×{width} (height × width). Make it smaller or remove it.");
    }

    // The file is an image of an unsupported format, not an image, or damaged.
    private static InputException Unreadable(string path, SKData file, SKCodecResult result)
    {
        if (file.Size == 0)
            return new InputException($"The image {path} is empty. Copy it again or remove it.");
        const int least = 12;      // bytes that identify a format
        return PictureFormat.Of(file.AsSpan(), file.Size) switch
        {
            { IsRead: false } other => new InputException($"The image {path} is {other.Name}, a format that is not supported. "
                + $"Convert it to PNG or JPEG, or remove it."),
            null when file.Size < least => Damaged(path, SKCodecResult.IncompleteInput),
            null => new InputException($"An image must be a {PictureFormat.Read} file. Received: {path}, which is none of them. "
                + "If it should be an image, copy it again; otherwise remove it."),
            _ => Damaged(path, result),
        };
    }

    private static InputException Damaged(string path, SKCodecResult result) => new($"The image {path} is damaged: " + result switch
    {
        SKCodecResult.IncompleteInput => "the file ends before the image does",
        SKCodecResult.ErrorInInput => "its data contradict the format",
        SKCodecResult.Unimplemented => "its content cannot be decoded",
        _ => $"it cannot be decoded ({result})",
    } + ". Copy it again or remove it.");

    private static bool Transposes(SKEncodedOrigin orientation) => orientation >= SKEncodedOrigin.LeftTop;

    // The place where a pixel of a stored image of rows × columns is shown (EXIF 2.32, 4.6.4.A; the names say where row 0 and column 0 of
    // the stored image are shown).
    private static (int Y, int X) Shown(SKEncodedOrigin orientation, int row, int column, int rows, int columns) => orientation switch
    {
        SKEncodedOrigin.TopRight => (row, columns - 1 - column),
        SKEncodedOrigin.BottomRight => (rows - 1 - row, columns - 1 - column),
        SKEncodedOrigin.BottomLeft => (rows - 1 - row, column),
        SKEncodedOrigin.LeftTop => (column, row),
        SKEncodedOrigin.RightTop => (column, rows - 1 - row),
        SKEncodedOrigin.RightBottom => (columns - 1 - column, rows - 1 - row),
        SKEncodedOrigin.LeftBottom => (columns - 1 - column, row),
        _ => (row, column),
    };

    // The window of the stored image that corresponds to the one chosen in the upright image.
    private static Window StoredWindow(SKEncodedOrigin orientation, int height, int width, Func<int, int, Window> choose)
    {
        var turned = Transposes(orientation);
        var shown = turned ? choose(width, height) : choose(height, width);
        var window = turned ? new Window(shown.Left, shown.Top, shown.Width, shown.Height) : shown;
        var fromBottom = orientation is SKEncodedOrigin.BottomRight or SKEncodedOrigin.BottomLeft
            or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom;
        var fromRight = orientation is SKEncodedOrigin.TopRight or SKEncodedOrigin.BottomRight
            or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        return window with
        {
            Top = fromBottom ? height - window.Top - window.Height : window.Top,
            Left = fromRight ? width - window.Left - window.Width : window.Left,
        };
    }
}
