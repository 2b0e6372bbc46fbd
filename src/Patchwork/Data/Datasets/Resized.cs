using Patchwork.Imaging;
using SkiaSharp;

namespace Patchwork.Data;

/// <summary>
/// The images of a set at another size and with another number of channels: the middle of each image is resized, or cropped as it is.
/// </summary>
public sealed class Resized : DatasetView
{
    private readonly bool crop;

    /// <summary>Wraps a set, which it does not own.</summary>
    /// <param name="whole">The set.</param>
    /// <param name="height">The new number of rows. Range: at least 1.</param>
    /// <param name="width">The new number of columns. Range: at least 1.</param>
    /// <param name="channels">3, or 1 for grey. With 3, grey images of the set get three equal channels.</param>
    /// <param name="crop">True crops the middle pixels as they are; false, the default, resizes.</param>
    /// <exception cref="InputException">The crop is larger than the images, or colour images would have to become grey.</exception>
    public Resized(Dataset whole, int height, int width, int channels, bool crop = false) : base(whole, samePixels: false)
    {
        if (crop && (whole.Height < height || whole.Width < width))
            throw new InputException($"A crop of {height}×{width} needs images of that size or larger. "
                + $"Received: images of {whole.Height}×{whole.Width}. Resize them instead.");
        if (channels < whole.Channels)
            throw new InputException($"The images must have {channels} channel. Received: a set of {whole.Channels} channels. "
                + "Choose a grey set.");
        (Height, Width, Channels, this.crop) = (height, width, channels, crop);
    }

    /// <inheritdoc/>
    public override int Channels { get; }

    /// <inheritdoc/>
    public override int Height { get; }

    /// <inheritdoc/>
    public override int Width { get; }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch)
    {
        var (rows, columns) = (Whole.Height, Whole.Width);
        var planar = Whole.Read(index, Whole.InMemory ? [] : new byte[Whole.ImageBytes]);
        var rgba = new byte[4 * rows * columns];
        for (var i = 0; i < rows * columns; i++)
        {
            for (var channel = 0; channel < 3; channel++)
                rgba[4 * i + channel] = planar[Math.Min(channel, Whole.Channels - 1) * rows * columns + i];
            rgba[4 * i + 3] = 255;
        }
        ImageDecoder.WriteUpright(rgba, rows, columns, SKEncodedOrigin.Default, Middle, Height, Width, scratch[..ImageBytes], Channels);
        return scratch[..ImageBytes];
    }

    private Window Middle(int rows, int columns) => crop ? new Window((rows - Height) / 2, (columns - Width) / 2, Height, Width)
        : Window.Centered(rows, columns, Height, Width);
}
