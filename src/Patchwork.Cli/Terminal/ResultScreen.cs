using System.Text.RegularExpressions;
using Patchwork.Reporting;
using Spectre.Console;

namespace Patchwork.Cli.Terminal;

/// <summary>
/// Fits a table of results into the screen. Its first column has names or descriptions, which wrap between words and, as
/// cutmix:probability=0.5 does, between options; the others have numbers, which never wrap.
/// </summary>
internal static partial class ResultScreen
{
    private const int Gap = 2;      // between columns, and around the table
    private const string AfterMark = "(?<=[-:+])";      // where a name may break inside a word

    /// <summary>
    /// Prints the table. If the screen is too narrow for it, titles are broken between options too, and numbers are closed up, as in
    /// 22.8±0.3: so the default experiment fits into 80 characters.
    /// </summary>
    public static void Write(this IAnsiConsole screen, ResultTable content)
    {
        var same = Widths(Same);
        var narrow = Room(same) < Longest(content.Rows.SelectMany(row => Break().Split(row[0])));
        Func<string, string> form = narrow ? Narrow : Same;
        var widths = narrow ? Widths(Narrow) : same;
        var table = new Table().Border(TableBorder.Simple);
        foreach (var (column, i) in content.Columns.Select((column, i) => (column, i)))
        {
            table.AddColumn(new TableColumn(Markup.Escape(form(column.Title)))
            {
                Padding = new Padding(0, 0, i == content.Columns.Count - 1 ? 0 : 1, 0),
                Width = i > 0 ? widths[i - 1] : null,
                Alignment = i > 0 ? Justify.Right : Justify.Left,
            });
        }
        foreach (var row in content.Rows)
            table.AddRow([Markup.Escape(Wrapped(row[0], Room(widths))), .. row.Skip(1).Select(cell => Markup.Escape(form(cell)))]);
        screen.Write(table);

        int Room(int[] widths) => screen.Profile.Width - Gap - widths.Sum(width => Gap + width);

        int[] Widths(Func<string, string> form) => [.. content.Columns.Select((column, i) =>
            Longest([.. form(column.Title).Split(' ', '\n'), .. content.Rows.Select(row => form(row[i]))])).Skip(1)];
    }

    private static string Same(string text) => text;

    private static string Narrow(string text) =>
        text.Replace(":", ":\n", StringComparison.Ordinal).Replace(" ± ", "±", StringComparison.Ordinal);

    private static string Wrapped(string text, int room) =>
        Regex.Replace(text, $"(.{{1,{Math.Max(1, room)}}})( |{AfterMark}|$)", "$1\n").TrimEnd('\n');

    private static int Longest(IEnumerable<string> words) => words.Select(word => word.Length).DefaultIfEmpty().Max();

    [GeneratedRegex($" |{AfterMark}")]
    private static partial Regex Break();
}
