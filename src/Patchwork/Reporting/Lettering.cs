using SkiaSharp;

namespace Patchwork.Reporting;

/// <summary>
/// A style of text in a picture: DejaVu Sans, or the system's replacement for it. On a system without fonts the text is missing and
/// everything else is drawn.
/// </summary>
internal sealed class Lettering : IDisposable
{
    private readonly SKTypeface _face;
    private readonly SKFont _font;
    private readonly SKPaint _paint;

    internal Lettering(float size, SKColor color, bool bold = false)
    {
        var style = bold ? SKFontStyle.Bold : SKFontStyle.Normal;
        _face = SKTypeface.FromFamilyName("DejaVu Sans", style) ?? SKTypeface.FromFamilyName(null, style);
        _font = new SKFont(_face, size) { Edging = SKFontEdging.Antialias, Subpixel = true };
        _paint = new SKPaint { Color = color, IsAntialias = true };
        LineHeight = (int)MathF.Ceiling(size * 1.4f);
    }

    /// <summary>The distance from one line to the next, in pixels.</summary>
    internal int LineHeight { get; }

    internal float Width(string text) => _font.MeasureText(text);

    /// <summary>Draws one line whose line box starts at <paramref name="top"/>.</summary>
    internal void Draw(SKCanvas canvas, string text, float left, float top) =>
        canvas.DrawText(text, left, top + _font.Size * 1.07f, SKTextAlign.Left, _font, _paint);

    /// <summary>Draws lines one below the other.</summary>
    internal void Draw(SKCanvas canvas, IReadOnlyList<string> lines, float left, float top)
    {
        for (var i = 0; i < lines.Count; i++) Draw(canvas, lines[i], left, top + i * LineHeight);
    }

    /// <summary>
    /// Breaks a text at its line breaks and, if a line is wider than <paramref name="width"/>, between words; a word that is too wide is
    /// truncated with "…".
    /// </summary>
    internal IReadOnlyList<string> Wrap(string text, float width)
    {
        var lines = new List<string>();
        if (text.Length == 0) return lines;
        foreach (var paragraph in text.ReplaceLineEndings("\n").Split('\n'))
        {
            var line = "";
            foreach (var word in paragraph.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                var longer = line.Length == 0 ? word : line + " " + word;
                if (line.Length > 0 && Width(longer) > width)
                {
                    lines.Add(line);
                    longer = word;
                }
                line = Cut(longer, width);
            }
            lines.Add(line);
        }
        return lines;
    }

    public void Dispose()
    {
        _paint.Dispose();
        _font.Dispose();
        _face.Dispose();
    }

    private string Cut(string text, float width)
    {
        if (Width(text) <= width) return text;
        var length = text.Length - 1;
        while (length > 1 && Width(text[..length] + "…") > width) length--;
        return text[..length] + "…";
    }
}
