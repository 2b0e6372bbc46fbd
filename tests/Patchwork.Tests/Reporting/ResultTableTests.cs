using Patchwork.Evaluation;
using Patchwork.Reporting;
using Xunit;

namespace Patchwork.Tests.Reporting;

public sealed class ResultTableTests
{
    private static readonly ResultTable Table = new([new("Method"), new("Error, %", Alignment.Right)],
        [["a|b \"q\"", new Statistic(27.3, 0.314, 3).ToString()], ["<i>", "9.00"]]);

    [Fact]
    public void Markdown_aligns_and_escapes() => Assert.Equal(
        "| Method   |     Error, % |\n| -------- | -----------: |\n| a\\|b \"q\" | 27.30 ± 0.31 |\n| <i>      |         9.00 |\n",
        Table.ToMarkdown());

    [Fact]
    public void Csv_quotes_by_rfc_4180() =>
        Assert.Equal("Method,\"Error, %\"\r\n\"a|b \"\"q\"\"\",27.30 ± 0.31\r\n<i>,9.00\r\n", Table.ToCsv());

    [Fact]
    public void Html_escapes_every_cell()
    {
        Assert.Contains("<td>&lt;i&gt;</td><td class=\"number\">9.00</td>", Table.ToHtml());
        Assert.DoesNotContain("<i>", Table.ToHtml());
    }

    [Fact]
    public void A_row_of_the_wrong_length_is_rejected() =>
        Assert.Throws<ArgumentException>(() => new ResultTable([new("a")], [["1", "2"]]));

    [Fact]
    public void The_standard_deviation_divides_by_n_minus_1()
    {
        Assert.Equal(new Statistic(5, Math.Sqrt(32.0 / 7), 8), Statistic.Of([2, 4, 4, 4, 5, 5, 7, 9]));
        Assert.Equal("5.0 ± 2.1", Statistic.Of([2, 4, 4, 4, 5, 5, 7, 9]).ToString(1));
    }

    [Fact]
    public void One_value_has_no_standard_deviation()
    {
        Assert.True(double.IsNaN(Statistic.Of([3]).StandardDeviation));
        Assert.Equal("3.00", Statistic.Of([3]).ToString());
        Assert.Throws<ArgumentException>(() => Statistic.Of([]));
    }
}
