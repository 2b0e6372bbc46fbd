using System.Text.RegularExpressions;
using Patchwork.Evaluation;
using Patchwork.Reporting;
using Xunit;

namespace Patchwork.Tests.Reporting;

public sealed class HtmlReportTests
{
    private const string Hostile = "</script><img src=x onerror=alert(1)> & \"'";

    internal static HtmlReport Example() => new()
    {
        Title = "CutMix against the baseline",
        Lead = "CutMix lowers the top-1 error from 27.30 ± 0.31 to 19.62 ± 0.24 % (3 seeds).",
        Sections =
        [
            new("Results",
            [
                HtmlFragment.Table(new ResultTable(
                    [new("Method"), new("Top-1 error (%), last", Alignment.Right), new("Top-1 error (%), best", Alignment.Right),
                        new("Images/s", Alignment.Right)],
                    [["baseline", "27.30 ± 0.31", "26.90 ± 0.22", "9120"], ["cutmix", "19.62 ± 0.24", "19.41 ± 0.20", "9098"]])),
            ]),
            new("Curves", [HtmlFragment.Chart(ChartsTests.Tiny)]),
            new("Mixed images",
                [HtmlFragment.Image(PreviewSheetTests.Example().Png(), "Three examples mixed by CutMix", "Boxes as drawn.")]),
            new("Repeat it",
            [
                HtmlFragment.Code("dotnet run -c Release --project src/Patchwork.Cli -- compare --methods baseline,cutmix --seeds 3"),
                HtmlFragment.Facts([new("Processor", "two cores"), new("TorchSharp", "0.107.0")]),
            ]),
        ],
    };

    [Fact]
    public void The_page_loads_nothing_from_outside()
    {
        var html = Example().ToHtml();
        Assert.DoesNotMatch(@"(src|href)\s*=\s*""(?!data:)", html);
        Assert.DoesNotMatch(@"url\(|@import", html);
        Assert.Contains("default-src 'none'", html);
    }

    [Fact]
    public void All_text_is_escaped()
    {
        var report = new HtmlReport
        {
            Title = Hostile,
            Lead = Hostile,
            Sections =
            [
                new(Hostile,
                [
                    HtmlFragment.Paragraph(Hostile), HtmlFragment.Code(Hostile), HtmlFragment.Image([1], Hostile, Hostile),
                    HtmlFragment.Facts([new(Hostile, Hostile)]), HtmlFragment.Table(new([new(Hostile)], [[Hostile]])),
                    HtmlFragment.Chart(new LineChart(Hostile, Hostile, Hostile, [new(Hostile, [])], Hostile)),
                    HtmlFragment.Chart(new HeatChart(Hostile, [Hostile], [new(Hostile, [Hostile], [[1]])], Hostile)),
                ]),
            ],
        };
        var html = report.ToHtml();
        Assert.DoesNotContain("<img src=x", html);
        Assert.Single(Regex.Matches(html, "</script>"));
        Assert.DoesNotContain("& \"", html);
    }

    [Fact]
    public void The_lead_comes_before_all_sections()
    {
        var html = Example().ToHtml();
        Assert.True(html.IndexOf("class=\"lead\"", StringComparison.Ordinal) < html.IndexOf("<section>", StringComparison.Ordinal));
    }
}
