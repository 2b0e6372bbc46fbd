using SkiaSharp;

namespace Patchwork.Reporting;

/// <summary>One cell of a preview sheet: a picture and the lines below it ("\n" between lines, wrapped to the picture's width).</summary>
public sealed record PreviewCell(Picture Picture, string Caption = "")
{
    /// <summary>Boxes drawn over the picture, one after the other; none by default.</summary>
    public IReadOnlyList<Outline> Outlines { get; init; } = [];
}

/// <summary>
/// One row of a preview sheet: an example or a method, with a short note below its name, and its pictures from left to right.
/// </summary>
public sealed record PreviewRow(string Name, string Note, IReadOnlyList<PreviewCell> Cells);

/// <summary>
/// A sheet that shows what a method does to pictures: one row per example or per method, one column per stage (original, partner, mixed,
/// difference), captions below. It handles only pictures and text and does not depend on mixing.
/// </summary>
public sealed record PreviewSheet
{
    private const int Margin = 36, Gap = 20, NameWidth = 150, SmallestPicture = 160;

    private static readonly SKColor Ink = new(0x1a, 0x1a, 0x1a), Grey = new(0x5f, 0x5f, 0x5f), Rule = new(0xd9, 0xd9, 0xd9);

    /// <summary>The headline.</summary>
    public required string Title { get; init; }

    /// <summary>One sentence below the headline; none by default.</summary>
    public string Subtitle { get; init; } = "";

    /// <summary>Column headings, one per cell of a row.</summary>
    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>The rows, each with at most as many cells as there are columns.</summary>
    public required IReadOnlyList<PreviewRow> Rows { get; init; }

    /// <summary>Side of the square that one pixel becomes; 0 (default) chooses it so that pictures are at least 160 pixels wide.</summary>
    public int Scale { get; init; }

    /// <summary>Draws the sheet as a PNG.</summary>
    /// <exception cref="ArgumentException">
    /// There are no columns or no pictures, the scale is negative, or a row has more cells than there are columns.
    /// </exception>
    public byte[] Png()
    {
        var pictures = Rows.SelectMany(row => row.Cells, (_, cell) => cell.Picture).ToArray();
        if (Columns.Count == 0 || pictures.Length == 0 || Scale < 0)
            throw new ArgumentException($"A preview needs columns, pictures and a scale of at least 0. "
                + $"Received: {Columns.Count} columns, {pictures.Length} pictures, Scale = {Scale}.");
        if (Rows.FirstOrDefault(row => row.Cells.Count > Columns.Count) is { } wide)
            throw new ArgumentException($"A row must have at most {Columns.Count} cells, one per column. "
                + $"Received: {wide.Cells.Count} in {wide.Name}.");

        using var title = new Lettering(22, Ink, bold: true);
        using var heading = new Lettering(13, Ink, bold: true);
        using var text = new Lettering(12, Grey);

        var widest = pictures.Max(picture => picture.Width);
        var scale = Scale > 0 ? Scale : Math.Max(1, (SmallestPicture + widest - 1) / widest);
        var cellWidth = Math.Max(widest * scale, SmallestPicture);
        var hasNames = Rows.Any(row => row.Name.Length + row.Note.Length > 0);
        var nameWidth = hasNames ? NameWidth + Gap : 0;
        var contentWidth = nameWidth + Columns.Count * (cellWidth + Gap) - Gap;

        var titleLines = title.Wrap(Title, contentWidth);
        var subtitleLines = text.Wrap(Subtitle, contentWidth);
        var columnLines = Columns.Select(column => heading.Wrap(column, cellWidth)).ToArray();
        var rows = Rows.Select(row => Measure(row, scale, cellWidth, heading, text)).ToArray();

        var headingTop = Margin + titleLines.Count * title.LineHeight + subtitleLines.Count * text.LineHeight + 22;
        var ruleTop = headingTop + columnLines.Max(lines => lines.Count) * heading.LineHeight + 6;
        var height = ruleTop + rows.Sum(row => Gap + row.Height) + Margin;

        return Sheet.Png(height, contentWidth + 2 * Margin, canvas =>
        {
            title.Draw(canvas, titleLines, Margin, Margin);
            text.Draw(canvas, subtitleLines, Margin, Margin + titleLines.Count * title.LineHeight + 2);
            for (var c = 0; c < Columns.Count; c++) heading.Draw(canvas, columnLines[c], CellLeft(c), headingTop);
            using var rule = new SKPaint { Color = Rule };
            canvas.DrawRect(SKRect.Create(Margin, ruleTop, contentWidth, 1), rule);

            var top = ruleTop + Gap;
            foreach (var row in rows)
            {
                heading.Draw(canvas, row.Name, Margin, top);
                text.Draw(canvas, row.Note, Margin, top + row.Name.Count * heading.LineHeight + 2);
                for (var c = 0; c < row.Cells.Count; c++)
                {
                    var picture = row.Cells[c].Picture;
                    picture.Draw(canvas, CellLeft(c), top, scale);
                    foreach (var outline in row.Cells[c].Outlines)
                        outline.Draw(canvas, CellLeft(c), top, scale);
                    text.Draw(canvas, row.Captions[c], CellLeft(c), top + row.PictureHeight + 6);
                }
                top += row.Height + Gap;
            }
        });

        int CellLeft(int column) => Margin + nameWidth + column * (cellWidth + Gap);
    }

    private sealed record MeasuredRow(
        IReadOnlyList<string> Name, IReadOnlyList<string> Note, IReadOnlyList<PreviewCell> Cells, IReadOnlyList<string>[] Captions,
        int PictureHeight, int Height);

    private static MeasuredRow Measure(PreviewRow row, int scale, int cellWidth, Lettering heading, Lettering text)
    {
        var name = heading.Wrap(row.Name, NameWidth);
        var note = text.Wrap(row.Note, NameWidth);
        var captions = row.Cells.Select(cell => text.Wrap(cell.Caption, cellWidth)).ToArray();
        var pictureHeight = row.Cells.Select(cell => cell.Picture.Height * scale).DefaultIfEmpty(0).Max();
        var lines = captions.Select(caption => caption.Count).DefaultIfEmpty(0).Max();
        var cellHeight = pictureHeight + (lines > 0 ? 6 + lines * text.LineHeight : 0);
        var nameHeight = name.Count * heading.LineHeight + 2 + note.Count * text.LineHeight;
        return new MeasuredRow(name, note, row.Cells, captions, pictureHeight, Math.Max(cellHeight, nameHeight));
    }
}
