using Patchwork.Cli.Terminal;
using Patchwork.Reporting;
using Spectre.Console;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>Tables of results fit into the screen, and their numbers and words stay whole.</summary>
public sealed class ResultScreenTests
{
    private static readonly ResultTable Measured = new(
        [new("measured"), .. ((string[])["baseline", "cutout", "mixup", "cutmix", "cutmix:probability=0.5"])
            .Select(method => new ResultColumn(method, Alignment.Right))],
        [
            ["calibration error, %, temperature-scaled", "15.7 ± 2.0", "16.4 ± 1.7 ▲", "15.6 ± 0.7 ▲", "15.4 ± 0.5 ▲", "15.3 ± 1.4 ▲"],
            ["out-of-distribution, AUROC %", "-5.7 ± 2.0", "-6.4 ± 1.7", "-5.6 ± 0.7", "-5.4 ± 0.5", "-5.3 ± 1.4"],
        ]);

    private static string[] Printed(int width, ResultTable table)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var screen = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
        screen.Profile.Width = width;
        screen.Write(table);
        return [.. text.ToString().Split('\n').Select(line => line.Trim())];
    }

    [Fact]
    public void A_narrow_screen_breaks_titles_between_options_and_closes_numbers_up()
    {
        var lines = Printed(80, Measured);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, 80));
        Assert.Contains(lines, line => line.EndsWith("cutmix:", StringComparison.Ordinal));
        Assert.Contains("probability=0.5", lines);
        foreach (var cell in Measured.Rows.SelectMany(row => row.Skip(1)))
            Assert.Contains(lines, line => line.Contains(cell.Replace(" ± ", "±", StringComparison.Ordinal), StringComparison.Ordinal));
        Assert.Superset(((string[])["calibration", "temperature-", "scaled", "distribution,"]).ToHashSet(),
            lines.Select(line => line.Split(' ')[0]).ToHashSet());
    }

    [Fact]
    public void A_wide_screen_changes_nothing()
    {
        var lines = Printed(200, Measured);
        Assert.Contains(lines, line => line.EndsWith("cutmix:probability=0.5", StringComparison.Ordinal));
        foreach (var row in Measured.Rows)
            Assert.Contains(lines, line => row.All(cell => line.Contains(cell, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_name_breaks_between_its_options_and_not_inside_them()
    {
        var table = new ResultTable([new("method"), new("test error, %", Alignment.Right)], [["cutmix:alpha=0.25:probability=0.5", "22.77"]]);
        Assert.Contains(Printed(60, table), line => line.StartsWith("cutmix:alpha=0.25:probability=0.5", StringComparison.Ordinal));
        Assert.Superset(((string[])["cutmix:", "alpha=0.25:", "probability=0.5"]).ToHashSet(),
            Printed(26, table).Select(line => line.Split(' ')[0]).ToHashSet());
        Assert.Contains(Printed(80, new(table.Columns, [])), line => line.StartsWith("method", StringComparison.Ordinal));
    }
}
