using SkiaSharp;

namespace Patchwork.Reporting;

/// <summary>Draws a picture on a white background and encodes it as PNG.</summary>
internal static class Sheet
{
    /// <summary>The maximum height and width in pixels; a larger sheet would need gigabytes of memory, and no viewer opens it.</summary>
    private const int LongestSide = 30_000;

    internal static byte[] Png(int height, int width, Action<SKCanvas> draw)
    {
        if (height > LongestSide || width > LongestSide)
            throw new ArgumentException($"A sheet must be at most {LongestSide} pixels high and wide. Received: {height}×{width}. "
                + "Draw fewer pictures or use a smaller scale.");
        using var bitmap = new SKBitmap(new SKImageInfo(Math.Max(1, width), Math.Max(1, height), SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        draw(canvas);
        canvas.Flush();
        using var encoded = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return encoded.ToArray();
    }
}
