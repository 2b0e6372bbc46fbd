using Patchwork.Imaging;
using Patchwork.Plans;
using SkiaSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Reporting;

/// <summary>
/// A picture ready to be drawn: 8-bit RGB, row by row from the top, three bytes per pixel (so <c>Height * Width * 3</c> in all).
/// </summary>
public sealed record Picture(int Height, int Width, byte[] Rgb)
{
    /// <summary>The pixels; the constructor checks their number against the sides.</summary>
    public byte[] Rgb { get; } = Height > 0 && Width > 0 && Rgb.LongLength == (long)Height * Width * 3
        ? Rgb
        : throw new ArgumentException("A picture needs positive sides and three bytes per pixel. "
            + $"Received: Height = {Height}, Width = {Width}, {Rgb.Length} bytes.", nameof(Rgb));

    /// <summary>
    /// Converts a batch (N, C, H, W) to pictures. C is 1 (grey) or 3 (RGB); values are float in [0, 1] (clipped, NaN becomes black, rounded
    /// to the nearest of 256 levels) or uint8. Any device and strides are accepted; the caller still owns <paramref name="images"/>.
    /// </summary>
    public static IReadOnlyList<Picture> FromBatch(Tensor images)
    {
        if (images.dim() != 4 || images.size(1) is not (1 or 3) || !(images.dtype == ScalarType.Byte || images.is_floating_point()))
            throw new ArgumentException("Pictures need a float or uint8 tensor (N, C, H, W) with 1 or 3 channels. "
                + $"Received: {images.dtype} [{string.Join(",", images.shape)}].", nameof(images));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var pixels = images.detach().to(CPU);
        if (pixels.dtype != ScalarType.Byte)
            pixels = pixels.to(ScalarType.Float32).nan_to_num(0, 1, 0).clamp(Zero, One).mul(Held(255L)).round().to(ScalarType.Byte);
        var (height, width) = ((int)images.size(2), (int)images.size(3));
        var rgb = pixels.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous().bytes; // (N, H, W, 3)
        var pictures = new Picture[(int)images.size(0)];
        var length = height * width * 3;
        for (var n = 0; n < pictures.Length; n++)
            pictures[n] = new Picture(height, width, rgb.Slice(n * length, length).ToArray());
        return pictures;
    }

    /// <summary>
    /// Returns the absolute difference from <paramref name="other"/>, a picture of the same size, per channel: black where nothing changed.
    /// </summary>
    public Picture Difference(Picture other)
    {
        if ((Height, Width) != (other.Height, other.Width))
            throw new ArgumentException("A difference needs two pictures of the same size. "
                + $"Received: {Height}×{Width} and {other.Height}×{other.Width}.", nameof(other));
        var rgb = new byte[Rgb.Length];
        for (var i = 0; i < rgb.Length; i++) rgb[i] = (byte)Math.Abs(Rgb[i] - other.Rgb[i]);
        return new Picture(Height, Width, rgb);
    }

    /// <summary>Returns the picture in another size, by nearest-neighbour sampling with source rows and columns rounded down.</summary>
    internal Picture Resized(int height, int width)
    {
        var rgb = new byte[height * width * 3];
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
                Rgb.AsSpan((y * Height / height * Width + x * Width / width) * 3, 3).CopyTo(rgb.AsSpan((y * width + x) * 3));
        return new Picture(height, width, rgb);
    }

    /// <summary>Returns the picture with the border pixels of boxes in white.</summary>
    internal Picture Outlined(IEnumerable<Box> boxes)
    {
        var rgb = Rgb.ToArray();
        foreach (var box in boxes)
        {
            for (var y = box.Top; y < box.Bottom; y++)
                for (var x = box.Left; x < box.Right; x++)
                    if (y == box.Top || y == box.Bottom - 1 || x == box.Left || x == box.Right - 1)
                        rgb.AsSpan((y * Width + x) * 3, 3).Fill(byte.MaxValue);
        }
        return new Picture(Height, Width, rgb);
    }

    /// <summary>
    /// Returns the picture darkened outside the masks, which are H·W bytes each, row by row; a nonzero byte marks a pixel.
    /// </summary>
    internal Picture Spotlit(IReadOnlyList<byte[]> masks)
    {
        var rgb = Rgb.ToArray();
        for (var pixel = 0; pixel < Height * Width; pixel++)
        {
            if (masks.Any(mask => mask[pixel] != 0))
                continue;
            for (var channel = 0; channel < 3; channel++)
                rgb[3 * pixel + channel] /= 3;
        }
        return new Picture(Height, Width, rgb);
    }

    /// <summary>Returns the picture as a PNG of the same size.</summary>
    public byte[] Png() => Sheet.Png(Height, Width, canvas => Draw(canvas, 0, 0, 1));

    /// <summary>
    /// Draws the picture with its upper left corner at (left, top), every pixel as a square of <paramref name="scale"/> pixels.
    /// </summary>
    internal void Draw(SKCanvas canvas, int left, int top, int scale)
    {
        using var bitmap = new SKBitmap(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        var rgba = bitmap.GetPixelSpan();
        for (int from = 0, to = 0; from < Rgb.Length; from += 3, to += 4)
        {
            Rgb.AsSpan(from, 3).CopyTo(rgba[to..]);
            rgba[to + 3] = byte.MaxValue;
        }
        using var image = SKImage.FromBitmap(bitmap);
        canvas.DrawImage(image, SKRect.Create(left, top, Width * scale, Height * scale), new SKSamplingOptions(SKFilterMode.Nearest));
    }
}
