using Patchwork.Cli.Terminal;
using Xunit;

namespace Patchwork.Tests.Cli;

public sealed class LiveLineTests
{
    private const string EraseLine = "\r\e[2K", EraseLineAbove = "\e[1A\e[2K";

    private static readonly ProgressLine Progress = new("training", " 1 of 2", "", "", "");

    [Fact]
    public void The_table_is_erased_with_the_line_and_only_once()
    {
        using var error = new StringWriter();
        var line = new LiveLine(error) { Exists = true };
        line.Draw(Progress, "heading", "first", "second");
        var before = error.ToString().Length;
        line.Clear();
        Assert.Equal(EraseLine + EraseLineAbove + EraseLineAbove + EraseLineAbove, error.ToString()[before..]);
        before = error.ToString().Length;
        line.Clear();
        Assert.Equal(EraseLine, error.ToString()[before..]);
    }

    [Fact]
    public void A_permanent_line_is_printed_in_place_of_the_table()
    {
        using var error = new StringWriter { NewLine = "\n" };
        var line = new LiveLine(error) { Exists = true };
        line.Draw(Progress, "heading");
        var before = error.ToString().Length;
        line.PrintAbove("done");
        Assert.Equal($"{EraseLine}{EraseLineAbove}done\n", error.ToString()[before..]);
    }

    [Fact]
    public void In_a_log_nothing_is_erased()
    {
        using var error = new StringWriter();
        new LiveLine(error) { Exists = false }.Clear();
        Assert.Equal("", error.ToString());
    }
}
