using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Randomness;

namespace Patchwork.Reporting;

/// <summary>All corruptions of one image in all severities, side by side.</summary>
public static class CorruptionSheet
{
    /// <summary>Draws the sheet as a PNG: two kinds a row, each with the image as it is and severities 1 to 5.</summary>
    /// <param name="images">An RGB set.</param>
    /// <param name="index">Which of its images.</param>
    /// <param name="seeds">Randomness; the images are those that the suite <c>corruption</c> shows to a network.</param>
    /// <param name="scale">Side of the square that one pixel becomes. Range: at least 1. Default 3.</param>
    /// <exception cref="ArgumentException">The images are grey.</exception>
    public static byte[] Png(Dataset images, int index, SeedStream seeds, int scale = 3)
    {
        if (images.Channels != 3)
            throw new ArgumentException($"The sheet needs a set of 3 channels. Received: {images.Channels}.", nameof(images));
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
