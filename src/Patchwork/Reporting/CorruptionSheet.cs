using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Randomness;

namespace Patchwork.Reporting;

/// <summary>Draws all corruptions of one image at all severities, side by side.</summary>
public static class CorruptionSheet
{
    /// <summary>Draws the sheet as a PNG: two kinds per row, each with the clean image and severities 1 to 5.</summary>
    /// <param name="images">An RGB data set.</param>
    /// <param name="index">Index of the image.</param>
    /// <param name="seeds">Randomness; the images equal those that the suite <c>corruption</c> shows to a network.</param>
    /// <param name="scale">Side of the square that one pixel becomes. Range: at least 1. Default 3.</param>
    /// <exception cref="ArgumentException">The images do not have 3 channels.</exception>
    public static byte[] Png(Dataset images, int index, SeedStream seeds, int scale = 3)
    {
        if (images.Channels != 3)
            throw new ArgumentException($"The sheet needs a data set with 3 channels. Received: {images.Channels}.", nameof(images));
        var (pictures, captions) = (new List<Picture>(), new List<string>());
        foreach (var kind in Corruption.All)
        {
            pictures.Add(Picture(images));
            captions.Add(kind.Id.Replace('_', ' '));
            for (var severity = 1; severity <= Corruption.Severities; severity++)
            {
                pictures.Add(Picture(kind.Of(images, severity, seeds)));
                captions.Add($"{severity}");
            }
        }
        return ImageGrid.Compose(pictures, 2 * (1 + Corruption.Severities), scale: scale, captions: captions);

        Picture Picture(Dataset set)
        {
            var planar = set.Read(index, new byte[set.ImageBytes]);
            var (area, rgb) = (set.Height * set.Width, new byte[set.ImageBytes]);
            for (var i = 0; i < rgb.Length; i++)
                rgb[i] = planar[i % 3 * area + i / 3];
            return new Picture(set.Height, set.Width, rgb);
        }
    }
}
