using System.Net;
using System.Text;

namespace Patchwork.Reporting;

/// <summary>How the text of a column is aligned.</summary>
public enum Alignment
{
    /// <summary>Left, for names.</summary>
    Left,

    /// <summary>Right, for numbers.</summary>
    Right,
}

/// <summary>A column of a result table.</summary>
public sealed record ResultColumn(string Title, Alignment Alignment = Alignment.Left);

/// <summary>A table of results that can be written as Markdown, CSV or HTML. Every row has one cell per column.</summary>
public sealed record ResultTable(IReadOnlyList<ResultColumn> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>The rows; the constructor checks that each has one cell per column.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Rows { get; } = Rows.FirstOrDefault(row => row.Count != Columns.Count) is { } uneven
        ? throw new ArgumentException($"A row must have {Columns.Count} cells, one per column. Received: {uneven.Count}.", nameof(Rows))
        : Rows;

    /// <summary>Returns the table as GitHub Markdown, padded so that it also reads well as plain text.</summary>
    public string ToMarkdown()
    {
        var titles = Columns.Select(column => Markdown(column.Title)).ToArray();
        var rows = Rows.Select(row => row.Select(Markdown).ToArray()).ToArray();
        var widths = titles.Select((title, c) => rows.Select(row => row[c].Length).Append(title.Length).Append(3).Max()).ToArray();
        var text = new StringBuilder();
        void AddRow(IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");

        string Pad(string cell, int c) => Columns[c].Alignment == Alignment.Right ? cell.PadLeft(widths[c]) : cell.PadRight(widths[c]);
        AddRow(titles.Select(Pad));
        AddRow(Columns.Select((column, c) => new string('-', widths[c] - 1) + (column.Alignment == Alignment.Right ? ":" : "-")));
        foreach (var row in rows) AddRow(row.Select(Pad));
        return text.ToString();
    }

    /// <summary>
    /// Returns the table as CSV according to RFC 4180: lines end with CR LF; a cell with a comma, quote or line break is quoted, with its
    /// quotes doubled.
    /// </summary>
    public string ToCsv()
    {
        var text = new StringBuilder();
        foreach (var row in Rows.Prepend(Columns.Select(column => column.Title).ToArray())) text.AppendJoin(',', row.Select(CsvCell))
            .Append("\r\n");
        return text.ToString();
    }

    /// <summary>Returns the table as HTML; <see cref="HtmlReport"/> makes it sortable.</summary>
    public string ToHtml()
    {
        string Class(int c) => Columns[c].Alignment == Alignment.Right ? " class=\"number\"" : "";
        var html = new StringBuilder("<table>\n<thead><tr>");
        for (var c = 0; c < Columns.Count; c++) html.Append($"<th scope=\"col\"{Class(c)}>{WebUtility.HtmlEncode(Columns[c].Title)}</th>");
        html.Append("</tr></thead>\n<tbody>\n");
        foreach (var row in Rows)
        {
            html.Append("<tr>");
            for (var c = 0; c < row.Count; c++) html.Append($"<td{Class(c)}>{WebUtility.HtmlEncode(row[c])}</td>");
            html.Append("</tr>\n");
        }
        return html.Append("</tbody>\n</table>\n").ToString();
    }

    private static string Markdown(string cell) => cell.ReplaceLineEndings(" ").Replace("\\", "\\\\").Replace("|", "\\|");

    internal static string CsvCell(string cell) => cell.AsSpan().ContainsAny(",\"\r\n") ? "\"" + cell.Replace("\"", "\"\"") + "\"" : cell;
}
