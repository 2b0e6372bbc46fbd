using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Saliency;

/// <summary>
/// Fine-grained static saliency (Montabone and Soto, "Human detection using a mobile platform and novel features derived from a visual
/// saliency mechanism", Image and Vision Computing 28, 2010): how much brighter (on) or darker (off) each pixel is than its surroundings at
/// six scales, computed with an integral image. It needs no network and no training.
/// </summary>
/// <remarks>
/// The arithmetic follows the source of OpenCV's <c>StaticSaliencyFineGrained</c> for 8-bit images: grey in fixed point, two 3×3 blurs,
/// contrasts truncated to bytes, the two sums stretched to 255 each and added. It differs where OpenCV's result is undefined: an image
/// without contrast has a map of zeros, and a sum above 255 is clipped to 255.
/// </remarks>
public static class FineGrained
{
    // pixels on each side of the centre
    private static readonly int[] Reaches = [3 * 4, 3 * 4 * 2, 3 * 4 * 4, 7 * 4, 7 * 4 * 2, 7 * 4 * 4];

    /// <summary>Computes the map of an image, one byte per pixel, row by row.</summary>
    /// <param name="planes">
    /// The channels one after the other, H·W bytes each: red, green and blue, or any other number of channels, which are averaged.
    /// </param>
    /// <param name="height">Rows. Range: at least 1.</param>
    /// <param name="width">Columns. Range: at least 1.</param>
    public static byte[] Of(ReadOnlySpan<byte> planes, int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if (planes.Length == 0 || planes.Length % (height * width) != 0)
            throw new ArgumentException($"An image must have {height}×{width} bytes per channel. Received: {planes.Length} bytes.");
        var grey = Blur(Blur(Grey(planes, height * width), height, width), height, width);
        var sums = Integral(grey, height, width);
        var (on, off) = (new int[grey.Length], new int[grey.Length]);
        foreach (var reach in Reaches)
            AddContrast(grey, sums, height, width, reach, on, off);
        var (bright, dark) = (Stretched(on), Stretched(off));
        var largest = Math.Max(bright.Max(), dark.Max());
        var map = new byte[grey.Length];
        for (var i = 0; largest > 0 && i < map.Length; i++)
            map[i] = (byte)Math.Min(255.0 * (bright[i] + dark[i]) / largest, 255);
        return map;
    }

    /// <summary>
    /// Computes the maps of images (N, C, H, W): N arrays of H·W bytes. Images that are not uint8 are stretched individually, minimum to 0
    /// and maximum to 255; normalized network inputs are valid too, because normalization preserves contrasts.
    /// </summary>
    public static byte[][] Of(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (height, width) = ((int)images.size(2), (int)images.size(3));
        var bytes = (images.dtype == ScalarType.Byte ? images : AsBytes(images)).cpu().contiguous().data<byte>().ToArray();
        var size = bytes.Length / (int)Math.Max(images.size(0), 1);
        return [.. Enumerable.Range(0, (int)images.size(0)).Select(i => Of(bytes.AsSpan(i * size, size), height, width))];
    }

    private static Tensor AsBytes(Tensor images)
    {
        var real = images.detach().to(ScalarType.Float32);
        var (least, greatest) = (real.amin([1, 2, 3], keepdim: true), real.amax([1, 2, 3], keepdim: true));
        return ((real - least) * (Held(255L) / (greatest - least).clamp_min(Held(1e-12)))).round().clamp(Zero,
            Held(255L)).to(ScalarType.Byte);
    }

    // OpenCV's weights in units of 2^-15.
    private static byte[] Grey(ReadOnlySpan<byte> planes, int pixels)
    {
        var channels = planes.Length / pixels;
        var grey = new byte[pixels];
        for (var i = 0; i < pixels; i++)
        {
            var sum = 0;
            for (var channel = 0; channel < channels; channel++)
                sum += planes[channel * pixels + i];
            grey[i] = channels == 3
                ? (byte)((9798 * planes[i] + 19235 * planes[pixels + i] + 3735 * planes[2 * pixels + i] + (1 << 14)) >> 15)
                : (byte)((sum + channels / 2) / channels);
        }
        return grey;
    }

    // Kernel 1 2 1 in both directions, mirrored at the pixels of the border, rounded once.
    private static byte[] Blur(byte[] grey, int height, int width)
    {
        static int Mirrored(int i, int side) => side == 1 ? 0 : i < 0 ? 1 : i >= side ? side - 2 : i;
        var across = new int[grey.Length];
        for (var i = 0; i < grey.Length; i++)
        {
            var (row, x) = (i / width * width, i % width);
            across[i] = grey[row + Mirrored(x - 1, width)] + 2 * grey[i] + grey[row + Mirrored(x + 1, width)];
        }
        var blurred = new byte[grey.Length];
        for (var i = 0; i < grey.Length; i++)
        {
            var (y, x) = (i / width, i % width);
            blurred[i] =
                (byte)((across[Mirrored(y - 1, height) * width + x] + 2 * across[i] + across[Mirrored(y + 1, height) * width + x]
                + 8) >> 4);
        }
        return blurred;
    }

    // sums[y, x] is the sum of all pixels above and to the left of (y, x), (H+1)·(W+1).
    private static long[] Integral(byte[] grey, int height, int width)
    {
        var sums = new long[(height + 1) * (width + 1)];
        for (var y = 0; y < height; y++)
        {
            var row = 0L;
            for (var x = 0; x < width; x++)
                sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + (row += grey[y * width + x]);
        }
        return sums;
    }

    // Compares the centre with the mean of all other pixels in the window; OpenCV's window extends one pixel less up and to the left.
    private static void AddContrast(byte[] grey, long[] sums, int height, int width, int reach, int[] on, int[] off)
    {
        for (var y = 0; y < height; y++)
        {
            var (top, bottom) = (Math.Clamp(y - reach + 1, 0, height), Math.Clamp(y + reach + 1, 0, height));
            for (var x = 0; x < width; x++)
            {
                var (left, right) = (Math.Clamp(x - reach + 1, 0, width), Math.Clamp(x + reach + 1, 0, width));
                var area = (bottom - top) * (right - left);
                if (area == 1)
                    continue;
                var centre = grey[y * width + x];
                var sum = sums[bottom * (width + 1) + right]
                    + sums[top * (width + 1) + left] - sums[bottom * (width + 1) + left] - sums[top * (width + 1) + right];
                var contrast = centre - (float)(sum - centre) / (area - 1);
                if (contrast > 0)
                    on[y * width + x] += (int)contrast;
                else
                    off[y * width + x] += (int)-contrast;
            }
        }
    }

    private static byte[] Stretched(int[] contrasts)
    {
        var greatest = (float)contrasts.Max();
        return greatest == 0 ? new byte[contrasts.Length] : [.. contrasts.Select(contrast => (byte)(255.0 * (contrast / greatest)))];
    }
}
