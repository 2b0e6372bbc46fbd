using System.Globalization;
using System.Text.Json;
using Microsoft.Playwright;
using Patchwork.Evaluation;
using Patchwork.Reporting;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Reporting;

/// <summary>Checks how a browser renders a report and how the page responds.</summary>
/// <param name="browser">The browser.</param>
[Collection(ProcessesCollection.Name)]
public sealed class BrowserTests(Browser browser) : IClassFixture<Browser>
{
    private static readonly string[] Names =
        ["baseline", "cutout", "mixup", "cutmix", "manifoldmixup", "puzzlemix", "saliencymix", "snapmix"];

    /// <summary>A report with as many methods, curves and words as a large comparison, and with cells of each kind.</summary>
    private static HtmlReport Large() => new()
    {
        Title = "What Cutout, Mixup, CutMix, ManifoldMixup, PuzzleMix, SaliencyMix and SnapMix change on tiny-imagenet-20",
        Lead = "Lower test error than the baseline's 27.30 %: CutMix 19.62, PuzzleMix 20.14~. Higher: Cutout 27.41~, Mixup 28.90.",
        Sections =
        [
            new("Results",
            [
                HtmlFragment.Table(Measured), HtmlFragment.Table(Wide),
                HtmlFragment.Paragraph("A_word_without_a_place_to_break_such_as_the_name_of_a_file_in_a_folder_in_a_folder_in_a_folder_in_a_folder_in_a_folder.json"),
            ]),
            new("Curves", [.. LineCharts.Select(HtmlFragment.Chart), HtmlFragment.Chart(Counts)]),
            new("What CutMix shows the network",
                [HtmlFragment.Image(PreviewSheetTests.Example().Png(), "Three examples mixed by CutMix", "Boxes as drawn; λ beneath.")]),
            new("Repeat it",
            [
                HtmlFragment.Code($"dotnet run -c Release --project src/Patchwork.Cli -- compare --methods {string.Join(',', Names)} "
                    + "--seeds 3 --epochs 30 --evaluate clean,calibration,occlusion"),
                HtmlFragment.Facts([new("processor", "two cores"), new("TorchSharp", "0.107.0"),
                    new("environment variables",
                    "A_NAME=/a/long/value/without/any/blank/in/it/that/goes/on/and/on/for/more/than/one/line")]),
            ]),
        ],
    };

    private static ResultTable Measured => new(
        [new("method"), new("measured", Alignment.Right), new("images", Alignment.Right)],
        [
            ["mixup", "10.0 ± 1.0", "10000"], ["cutmix", "9.5 ± 0.3 ▲", "9000"], ["", "", "3"], ["baseline", "-3.2", "800"],
                ["method 10", "NaN", ""],
            ["method 9", "▼ 1200.5", "10"], ["cutout", "+0.50", "7"], ["snapmix", "1e-3", "5"],
        ]);

    private static ResultTable Wide => new(
        [new("measured"), .. Names.Select(name => new ResultColumn(name, Alignment.Right))],
        [
            ["expected calibration error, 15 bins", .. Names.Select(_ => "12.34 ± 10.56 ▲")],
            ["top-1 error with the centre of each image hidden", .. Names.Select(_ => "72.70 ± 0.31")],
        ]);

    private static IReadOnlyList<LineChart> LineCharts =>
    [
        new("Validation error", "epoch", "top-1 error, %",
            [.. Names.Select((name, i) => new ChartSeries(name, [new(1, 60 + i, 4), new(2, 50 - i, 2), new(30, 45, 1)]))]),
        new("Throughput while many examples are read from one disk", "examples read", "images per second",
            [new("WWWWWWWW MMMMMMMM", [new(0, 120_000), new(1_000_000, 990_000)]),
                new("a second name", [new(0, -120_000), new(1_000_000, double.NaN)])]),
        new("Nothing yet", "epoch", "loss", []),
    ];

    private static HeatChart Counts => new("Reliability with the fitted temperature: images per bin", Names,
        [new("confidence up to, %", [.. Enumerable.Range(1, 15).Select(bin => $"{bin * 100 / 15}")],
            [.. Names.Select((_, row) => Enumerable.Range(1, 15).Select(bin => bin == row ? double.NaN : 1000.0 + bin).ToArray())])],
        "Table of numbers of images");

    [Fact]
    public async Task The_page_makes_no_further_requests_and_causes_no_errors()
    {
        await using var report = await browser.Open(Large());
        foreach (var button in await report.Page.Locator("button").AllAsync())
            await button.ClickAsync();
        Assert.Empty(report.Complaints);
        Assert.Equal([report.Address], report.Requests.Where(address => !address.StartsWith("data:", StringComparison.Ordinal)));
        Assert.True(await report.Page.EvaluateAsync<bool>("[...document.images].every(image => image.complete && image.naturalWidth > 0)"));
    }

    [Theory]
    [InlineData("measured", "-3.2|1e-3|+0.50|9.5 ± 0.3 ▲|10.0 ± 1.0|▼ 1200.5||NaN", "▼ 1200.5|10.0 ± 1.0|9.5 ± 0.3 ▲|+0.50|1e-3|-3.2||NaN")]
    [InlineData("images", "3|5|7|10|800|9000|10000|", "10000|9000|800|10|7|5|3|")]
    [InlineData("method", "baseline|cutmix|cutout|method 9|method 10|mixup|snapmix|",
        "snapmix|mixup|method 10|method 9|cutout|cutmix|baseline|")]
    public async Task A_heading_sorts_numbers_by_value_and_names_alphabetically_with_missing_values_last(string heading, string ascending,
        string descending)
    {
        await using var report = await browser.Open(Large());
        var table = report.Page.Locator("table").First;
        var button = table.GetByRole(AriaRole.Button, new() { Name = heading, Exact = true });
        var column = await button.EvaluateAsync<int>("button => button.closest('th').cellIndex");
        async Task<string> Cells() => string.Join('|', await table.Locator($"tbody td:nth-child({column + 1})").AllTextContentsAsync());

        await button.ClickAsync();
        Assert.Equal((ascending, "ascending"), (await Cells(), await Sorted(table)));
        await button.ClickAsync();
        Assert.Equal((descending, "descending"), (await Cells(), await Sorted(table)));
    }

    [Fact]
    public async Task A_table_can_be_sorted_with_the_keyboard_and_shows_the_focus()
    {
        await using var report = await browser.Open(Large());
        await report.Page.Keyboard.PressAsync("Tab");
        Assert.NotEqual("none", await report.Page.EvaluateAsync<string>("getComputedStyle(document.activeElement).outlineStyle"));
        await report.Page.Keyboard.PressAsync("Tab");
        await report.Page.Keyboard.PressAsync("Enter");
        var table = report.Page.Locator("table").First;
        Assert.Equal("ascending", await Sorted(table));
        Assert.Equal("-3.2", await table.Locator("tbody td:nth-child(2)").First.TextContentAsync());
        await report.Page.Keyboard.PressAsync("Space");
        Assert.Equal("descending", await Sorted(table));
    }

    [Theory]
    [InlineData("", "Copied")]
    [InlineData("Object.defineProperty(navigator, 'clipboard', { value: undefined });", "Copied")]
    [InlineData("Object.defineProperty(navigator, 'clipboard', { value: undefined }); document.execCommand = () => false;",
        "Selected: press Ctrl+C")]
    public async Task Table_values_can_be_copied_even_without_clipboard_access(string denied, string said)
    {
        await using var report = await browser.Open(Large(), before: denied);
        await report.Page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await report.Page.Locator(".copy").First.ClickAsync();
        await report.Page.GetByText(said, new() { Exact = true }).WaitForAsync();
        if (said != "Copied")
            await report.Page.Keyboard.PressAsync("Control+C");

        await report.Page.EvaluateAsync("document.body.append(document.createElement('textarea'))");
        await report.Page.Locator("textarea").FocusAsync();
        await report.Page.Keyboard.PressAsync("Control+V");
        var expected = string.Join('\n', Measured.Rows.Prepend(Measured.Columns.Select(column => column.Title))
            .Select(row => string.Join('\t', row)));
        Assert.Equal(expected.TrimEnd(), (await report.Page.Locator("textarea").InputValueAsync()).TrimEnd());
        Assert.Empty(report.Complaints);
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(480)]
    [InlineData(390)]
    public async Task The_page_never_scrolls_sideways_and_its_charts_are_legible(int width)
    {
        await using var report = await browser.Open(Large(), width);
        Assert.True(await report.Page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= width);
        Assert.Empty(await Beyond(report, width, "figure:not(.wide, .narrow) *, .scroll *, pre *"));
        var smallest =
            await report.Page.EvaluateAsync<double>($"Math.min(...{Visible}.flatMap(svg => [...svg.querySelectorAll('text')])"
            + ".map(text => text.getScreenCTM().d || Infinity)) * 13");
        Assert.True(smallest >= 11, $"The smallest letters of the charts are {smallest} pixels high.");
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(690)]
    [InlineData(480)]
    [InlineData(390)]
    public async Task Chart_texts_do_not_overlap_and_are_not_cut_off(int width)
    {
        await using var report = await browser.Open(Large(), width);
        Assert.Equal(LineCharts.Count + 1, await report.Page.EvaluateAsync<int>($"{Visible}.length"));
        Assert.Empty(await report.Page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('svg')].filter(svg => svg.checkVisibility()).flatMap(svg => {
              const texts = [...svg.querySelectorAll('text')].map(text => ({ name: text.textContent, box: text.getBoundingClientRect() })), frame = svg.getBoundingClientRect();
              const cut = texts.filter(({ box }) => box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom).map(({ name }) => name + ' is cut');
              const covers = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
              return cut.concat(texts.flatMap((one, i) => texts.slice(i + 1).filter(other => covers(one.box, other.box)).map(other => one.name + ' covers ' + other.name)));
            })
            """));
    }

    [Fact]
    public async Task Light_and_dark_schemes_differ_and_all_text_has_enough_contrast()
    {
        var grounds = new List<double>();
        foreach (var scheme in (ColorScheme[])[ColorScheme.Light, ColorScheme.Dark])
        {
            await using var report = await browser.Open(Large(), scheme: scheme);
            var texts = (await report.Page.EvaluateAsync<JsonElement>("""
                () => [...document.querySelectorAll('main *')].filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && one.localName !== 'title').map(one => {
                  let ground = one;
                  while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
                  const style = getComputedStyle(one);
                  return [one.localName, one instanceof SVGElement ? style.fill : style.color, getComputedStyle(ground).backgroundColor];
                })
                """)).EnumerateArray().Select(text => text.EnumerateArray().Select(part => part.GetString()!).ToArray()).ToArray();
            Assert.Superset(new HashSet<string>(["h1", "h2", "p", "td", "button", "figcaption", "code", "dt", "dd", "text"]),
                texts.Select(text => text[0]).ToHashSet());
            Assert.DoesNotContain(texts, text => Contrast(text[1], text[2]) < 4.5);
            grounds.Add(Luminance(await report.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor")));
        }
        Assert.InRange(grounds[0], 0.9, 1);
        Assert.InRange(grounds[1], 0, 0.1);
    }

    [Fact]
    public async Task Screen_readers_get_headings_alternative_texts_and_labels()
    {
        await using var report = await browser.Open(Large());
        Assert.Equal("en", await report.Page.EvaluateAsync<string>("document.documentElement.lang"));
        Assert.Equal(["h1", "h2", "h2", "h2", "h2"],
            await report.Page.EvaluateAsync<string[]>("[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(one => "
            + "one.localName)"));
        Assert.Equal(["Three examples mixed by CutMix"],
            await report.Page.EvaluateAsync<string[]>("[...document.images].map(image => image.alt)"));
        var charts =
            await report.Page.EvaluateAsync<string[]>($"{Visible}.map(svg => svg.getAttribute('role') + ' ' "
            + "+ svg.getAttribute('aria-label'))");
        Assert.Equal("img Table of numbers of images", charts[^1]);
        Assert.Equal(LineCharts.Count, charts.Length - 1);
        Assert.All(charts.Zip(LineCharts), pair => Assert.StartsWith($"img {pair.Second.Title}: ", pair.First));
        Assert.All(await report.Page.EvaluateAsync<string[]>("[...document.querySelectorAll('thead th')].map(head => head.scope)"),
            scope => Assert.Equal("col", scope));
    }

    [Fact]
    public async Task Printed_pages_are_dark_on_white_without_buttons_and_fit_the_paper()
    {
        const int a4 = 718; // 210 mm at 96 pixels per inch, less 1 cm on each side
        await using var report = await browser.Open(Large(), a4, ColorScheme.Dark);
        await report.Page.EmulateMediaAsync(new() { Media = Media.Print });
        Assert.All(await report.Page.Locator(".copy").AllAsync(), button => Assert.False(button.IsVisibleAsync().Result));
        Assert.Equal("rgb(255, 255, 255)", await report.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor"));
        Assert.True(Luminance(await report.Page.EvaluateAsync<string>("getComputedStyle(document.body).color")) < 0.05);
        Assert.True(await report.Page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= a4);
        Assert.Empty(await Beyond(report, a4, ""));
    }

    private const string Visible = "[...document.querySelectorAll('svg')].filter(svg => svg.checkVisibility())";

    private static Task<string> Sorted(ILocator table) =>
        table.EvaluateAsync<string>("table => [...table.querySelectorAll('[aria-sort]')].map(head => "
            + "head.getAttribute('aria-sort')).join()");

    /// <summary>The elements that extend past the right edge, except those inside a box that scrolls by itself.</summary>
    private static Task<string[]> Beyond(OpenReport report, int width, string scrolled) => report.Page.EvaluateAsync<string[]>("""
        ([width, scrolled]) => [...document.querySelectorAll('main, main *')].filter(one => !(scrolled && one.matches(scrolled)) && one.getBoundingClientRect().right > width + 0.5)
          .map(one => one.localName + ': ' + one.textContent.slice(0, 40))
        """, new object[] { width, scrolled });

    // Contrast ratio and relative luminance of WCAG 2.2, for colours as browsers compute them: rgb(r, g, b).
    private static double Contrast(string one, string other)
    {
        var (a, b) = (Luminance(one), Luminance(other));
        return (Math.Max(a, b) + 0.05) / (Math.Min(a, b) + 0.05);
    }

    private static double Luminance(string colour)
    {
        Assert.Matches(@"^rgb\(\d+, \d+, \d+\)$", colour);
        var linear = colour[4..^1].Split(", ").Select(part => double.Parse(part, CultureInfo.InvariantCulture) / 255)
            .Select(part => part <= 0.04045 ? part / 12.92 : Math.Pow((part + 0.055) / 1.055, 2.4)).ToArray();
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    }
}
