using SkiaSharp;
using static TorchSharp.torch;

namespace Patchwork.Reporting;

/// <summary>Draws pictures side by side as one PNG, for TensorBoard and for a quick look.</summary>
public static class ImageGrid
{
    /// <summary>
    /// Arranges <paramref name="pictures"/> row by row on white, one per cell; the last row may be partial. Cells are as large as the
    /// largest picture.
    /// </summary>
    /// <param name="pictures">The pictures, at least one.</param>
    /// <param name="columns">Pictures per row, at least 1; fewer pictures make a narrower grid.</param>
    /// <param name="padding">White pixels between and around the cells, at least 0. Default 2.</param>
    /// <param name="scale">Side of the square that one pixel becomes (no smoothing), at least 1. Default 1.</param>
    /// <param name="captions">Text below each picture, wrapped to its width; none by default.</param>
    public static byte[] Compose(
        IReadOnlyList<Picture> pictures, int columns, int padding = 2, int scale = 1, IReadOnlyList<string>? captions = null)
    {
        if (pictures.Count == 0 || columns < 1 || padding < 0 || scale < 1)
            throw new ArgumentException("A grid needs at least one picture, columns and scale of at least 1 and padding of at least 0. "
                + $"Received: {pictures.Count} pictures, columns = {columns}, padding = {padding}, scale = {scale}.", nameof(pictures));
        if (captions is not null && captions.Count != pictures.Count)
            throw new ArgumentException($"Each picture needs one caption. Received: {captions.Count} for {pictures.Count}.",
                nameof(captions));

        using var lettering = new Lettering(11, new SKColor(0x33, 0x33, 0x33));
        var cellWidth = pictures.Max(picture => picture.Width) * scale;
        var pictureHeight = pictures.Max(picture => picture.Height) * scale;
        var lines = captions?.Select(caption => lettering.Wrap(caption, cellWidth)).ToArray();
        var captionHeight = lines is null ? 0 : 4 + lines.Max(line => line.Count) * lettering.LineHeight;
        var cellHeight = pictureHeight + captionHeight;
        var across = Math.Min(columns, pictures.Count);
        var down = (pictures.Count + across - 1) / across;

        return Sheet.Png(padding + down * (cellHeight + padding), padding + across * (cellWidth + padding), canvas =>
        {
            for (var i = 0; i < pictures.Count; i++)
            {
                var (top, left) = (padding + i / across * (cellHeight + padding), padding + i % across * (cellWidth + padding));
                pictures[i].Draw(canvas, left, top, scale);
                if (lines is not null) lettering.Draw(canvas, lines[i], left, top + pictureHeight + 4);
            }
        });
    }

    /// <summary>
    /// Arranges a batch (N, C, H, W), float in [0, 1] or uint8, grey or RGB; the caller still owns <paramref name="images"/>.
    /// </summary>
    /// <inheritdoc cref="Compose(IReadOnlyList{Picture}, int, int, int, IReadOnlyList{string}?)"/>
    public static byte[] Compose(Tensor images, int columns, int padding = 2, int scale = 1, IReadOnlyList<string>? captions = null) =>
        Compose(Picture.FromBatch(images), columns, padding, scale, captions);
}
