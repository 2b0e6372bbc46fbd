using Patchwork.Plans;
using SkiaSharp;

namespace Patchwork.Reporting;

/// <summary>
/// A box drawn as a line over a picture: white, or dashed in cyan; both edged in black, so that they are seen on any ground.
/// </summary>
/// <param name="Box">In pixels of the picture; an empty one is not drawn.</param>
/// <param name="Dashed">Dashed in cyan, to be told from a white one without colours.</param>
public sealed record Outline(Box Box, bool Dashed = false)
{
    private const float Line = 2, Edge = 4;

    private static readonly SKColor Cyan = new(0x00, 0xe5, 0xff);

    /// <summary>
    /// Draws the line inside the box's pixels, over a picture drawn at (left, top) with squares of <paramref name="scale"/> for pixels.
    /// </summary>
    internal void Draw(SKCanvas canvas, int left, int top, int scale)
    {
        if (Box.IsEmpty)
            return;
        var around = SKRect.Create(left + Box.Left * scale, top + Box.Top * scale, Box.Width * scale, Box.Height * scale);
        // Half of a line lies on either side of its path; a box thinner than a line keeps its middle.
        around.Inflate(-Math.Min(Edge, around.Width) / 2, -Math.Min(Edge, around.Height) / 2);
        using var dash = Dashed ? SKPathEffect.CreateDash([9, 7], 0) : null;
        using var edge = new SKPaint { Style = SKPaintStyle.Stroke, Color = SKColors.Black, StrokeWidth = Edge, PathEffect = dash };
        using var line = new SKPaint
        {
            Style = SKPaintStyle.Stroke,
            Color = Dashed ? Cyan : SKColors.White,
            StrokeWidth = Line,
            PathEffect = dash
        };
        canvas.DrawRect(around, edge);
        canvas.DrawRect(around, line);
    }
}
