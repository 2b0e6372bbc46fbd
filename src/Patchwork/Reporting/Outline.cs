using Patchwork.Plans;
using SkiaSharp;

namespace Patchwork.Reporting;

/// <summary>
/// A box outlined over a picture, in white or dashed in cyan; both lines have a black edge, so that they are visible on any background.
/// </summary>
/// <param name="Box">The box, in pixels of the picture; an empty one is not drawn.</param>
/// <param name="Dashed">Whether the line is dashed and cyan, which tells it from a white one even without colours. Default false.</param>
public sealed record Outline(Box Box, bool Dashed = false)
{
    private const float Line = 2, Edge = 4;

    private static readonly SKColor Cyan = new(0x00, 0xe5, 0xff);

    /// <summary>
    /// Draws the line inside the box, over a picture that is drawn at (left, top) with every pixel as a square of <paramref name="scale"/>
    /// pixels.
    /// </summary>
    internal void Draw(SKCanvas canvas, int left, int top, int scale)
    {
        if (Box.IsEmpty)
            return;
        var around = SKRect.Create(left + Box.Left * scale, top + Box.Top * scale, Box.Width * scale, Box.Height * scale);
        // Half of a stroke is on each side of its path; a box thinner than the stroke is drawn as its middle line.
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
