namespace Patchwork.Imaging;

/// <summary>A part of an image, in its pixels, height first; the edges can be fractional.</summary>
/// <param name="Top">Upper edge, from 0 at the image's upper edge.</param>
/// <param name="Left">Left edge, from 0 at the image's left edge.</param>
/// <param name="Height">Rows, more than 0; the part must be inside the image.</param>
/// <param name="Width">Columns, more than 0; the part must be inside the image.</param>
public readonly record struct Window(double Top, double Left, double Height, double Width)
{
    /// <summary>
    /// The largest centred window of an image of <paramref name="height"/> × <paramref name="width"/> with the proportions
    /// <paramref name="rows"/> : <paramref name="columns"/>, with both sides multiplied by <paramref name="share"/>. Range of the share:
    /// (0, 1]. Default 1.
    /// </summary>
    public static Window Centered(int height, int width, int rows, int columns, double share = 1)
    {
        var scale = Math.Min((double)height / rows, (double)width / columns) * share;
        return new((height - rows * scale) / 2, (width - columns * scale) / 2, rows * scale, columns * scale);
    }
}
