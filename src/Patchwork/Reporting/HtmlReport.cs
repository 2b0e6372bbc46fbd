using System.Net;
using System.Text;
using Patchwork.Evaluation;

namespace Patchwork.Reporting;

/// <summary>A piece of a report. It can only be made from plain data, so all of its content is escaped.</summary>
public sealed record HtmlFragment
{
    private HtmlFragment(string html) => Html = html;

    internal string Html { get; }

    /// <summary>A paragraph of plain text.</summary>
    public static HtmlFragment Paragraph(string text) => new($"<p>{Escape(text)}</p>\n");

    /// <summary>A table that is sorted by clicking a heading and copied as tab-separated text with its button.</summary>
    public static HtmlFragment Table(ResultTable table) =>
        new($"<div class=\"table\"><div class=\"scroll\">{table.ToHtml()}</div><button class=\"copy\" type=\"button\">Copy "
            + "table</button></div>\n");

    /// <summary>A chart as SVG, drawn once for the width of a page and once for a narrow window; CSS shows one of the two.</summary>
    public static HtmlFragment Chart(Chart chart) => chart switch
    {
        LineChart lines => Drawn(Charts.Line(lines), Charts.Narrow(lines)),
        ChartRow row => new($"<div class=\"row\">{string.Concat(row.Charts.Select(one => $"<figure>{Charts.Narrow(one)}</figure>"))}"
            + "</div>\n"),
        DotChart dots => Drawn(DotCharts.Rows(dots), DotCharts.Narrow(dots)),
        HeatChart table => Drawn(HeatCharts.Table(table), HeatCharts.Narrow(table)),
        MatrixChart matrix => Drawn(MatrixCharts.Matrix(matrix), MatrixCharts.Narrow(matrix)),
        _ => throw new NotSupportedException($"A report cannot draw a {chart.GetType().Name}."),
    };

    private static HtmlFragment Drawn(string wide, string narrow) =>
        new($"<figure class=\"wide\">{wide}</figure>\n<figure class=\"narrow\">{narrow}</figure>\n");

    /// <summary>A PNG embedded in the page. <paramref name="alternative"/> describes it for people who cannot see it.</summary>
    public static HtmlFragment Image(byte[] png, string alternative, string caption = "") =>
        new(Figure(png, alternative, Escape(caption)) + "\n");

    /// <summary>Small pictures side by side, each with a name and a caption; they wrap on narrow pages.</summary>
    public static HtmlFragment Strip(IEnumerable<StripPicture> pictures) =>
        new($"<div class=\"strip\">{string.Concat(pictures.Select(one => Figure(one.Picture.Png(), $"{one.Name}: {one.Caption}",
            $"<b>{Escape(one.Name)}</b><br>{Escape(one.Caption)}")))}</div>\n");

    private static string Figure(byte[] png, string alternative, string captionHtml) =>
        $"<figure><img src=\"data:image/png;base64,{Convert.ToBase64String(png)}\" alt=\"{Escape(alternative)}\">"
            + (captionHtml.Length > 0 ? $"<figcaption>{captionHtml}</figcaption>" : "") + "</figure>";

    /// <summary>A command or other text to be copied verbatim.</summary>
    public static HtmlFragment Code(string text) => new($"<pre><code>{Escape(text)}</code></pre>\n");

    /// <summary>Names and values, such as the environment of a run.</summary>
    public static HtmlFragment Facts(IEnumerable<KeyValuePair<string, string>> facts) =>
        new($"<dl>{string.Concat(facts.Select(fact => $"<dt>{Escape(fact.Key)}</dt><dd>{Escape(fact.Value)}</dd>"))}</dl>\n");

    internal static string Escape(string text) => WebUtility.HtmlEncode(text);
}

/// <summary>One picture of a strip.</summary>
/// <param name="Name">What it shows, in a word or two.</param>
/// <param name="Caption">The line below it; may be empty.</param>
/// <param name="Picture">The picture.</param>
public sealed record StripPicture(string Name, string Caption, Picture Picture);

/// <summary>A section of a report, with a heading.</summary>
public sealed record ReportSection(string Title, IReadOnlyList<HtmlFragment> Fragments);

/// <summary>
/// A report as one self-contained HTML page: styles, script, charts and pictures are embedded, and its content security policy prevents the
/// browser from loading anything else. It supports light and dark mode, printing, and screens down to the width of a phone.
/// </summary>
public sealed record HtmlReport
{
    /// <summary>The headline.</summary>
    public required string Title { get; init; }

    /// <summary>The answer, shown first: one or two sentences with the numbers.</summary>
    public required string Lead { get; init; }

    /// <summary>The pictures and charts between the answer and the first section.</summary>
    public IReadOnlyList<HtmlFragment> Opening { get; init; } = [];

    /// <summary>The sections, in order.</summary>
    public IReadOnlyList<ReportSection> Sections { get; init; } = [];

    /// <summary>Returns the whole page.</summary>
    public string ToHtml()
    {
        var page = new StringBuilder();
        page.Append($"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy"
              content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
            <title>{HtmlFragment.Escape(Title)}</title>
            <style>
            {HtmlReportAssets.Style}
            </style>
            </head>
            <body>
            <main>
            <h1>{HtmlFragment.Escape(Title)}</h1>
            <p class="lead">{HtmlFragment.Escape(Lead)}</p>

            """);
        if (Opening.Count > 0)
            page.Append($"<div class=\"opening\">\n{string.Concat(Opening.Select(fragment => fragment.Html))}</div>\n");
        foreach (var section in Sections)
        {
            page.Append($"<section>\n<h2>{HtmlFragment.Escape(section.Title)}</h2>\n");
            foreach (var fragment in section.Fragments) page.Append(fragment.Html);
            page.Append("</section>\n");
        }
        return page.Append($"</main>\n<script>\n{HtmlReportAssets.Script}\n</script>\n</body>\n</html>\n").ToString();
    }
}
