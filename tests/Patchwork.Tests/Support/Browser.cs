using Microsoft.Playwright;
using Patchwork.Reporting;
using Xunit;

namespace Patchwork.Tests.Support;

/// <summary>Headless Chromium, to test how a page behaves and looks.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string? Program = Find();

    // The sandbox needs privileges that containers lack; the other flags prevent the browser from contacting servers.
    private static readonly string[] Arguments =
        ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"];

    private IPlaywright? playwright;
    private IBrowser? browser;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (Program is null)
            return;
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Program, Args = Arguments });
    }

    /// <summary>
    /// Opens a report from a file, as a reader does. Only the clipboard is shared with other pages. Skips the test if there is no browser.
    /// </summary>
    /// <param name="report">The report.</param>
    /// <param name="width">Width of the window in CSS pixels.</param>
    /// <param name="scheme">The colour scheme that the reader's system prefers.</param>
    /// <param name="before">A script that runs before the page's own.</param>
    public async Task<OpenReport> Open(HtmlReport report, int width = 1280, ColorScheme scheme = ColorScheme.Light, string before = "")
    {
        Assert.SkipWhen(browser is null, "Chromium is not installed; PATCHWORK_CHROMIUM may name it.");
        var context = await browser.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = 800 }, ColorScheme = scheme });
        if (before.Length > 0)
            await context.AddInitScriptAsync(before);
        var opened = new OpenReport(await context.NewPageAsync());
        await opened.Load(report);
        return opened;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (browser is not null)
            await browser.CloseAsync();
        playwright?.Dispose();
    }

    private static string? Find() =>
        Environment.GetEnvironmentVariable("PATCHWORK_CHROMIUM") is { Length: > 0 } named ? named
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Prepend("/usr/bin")
                .Select(folder => Path.Combine(folder, "chromium")).FirstOrDefault(File.Exists);
}

/// <summary>A report in a browser, with the messages and requests that it caused.</summary>
public sealed class OpenReport : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-browser-").FullName;
    private readonly List<string> complaints = [];
    private readonly List<string> requests = [];

    internal OpenReport(IPage page)
    {
        Page = page;
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                complaints.Add(message.Text);
        };
        page.PageError += (_, error) => complaints.Add(error);
        page.Request += (_, request) => requests.Add(request.Url);
    }

    /// <summary>The page.</summary>
    public IPage Page { get; }

    /// <summary>The address of the report.</summary>
    public string Address => new Uri(Path.Combine(folder, "report.html")).AbsoluteUri;

    /// <summary>Errors and warnings on the console, and script exceptions.</summary>
    public IReadOnlyList<string> Complaints => complaints;

    /// <summary>Every address that was requested.</summary>
    public IReadOnlyList<string> Requests => requests;

    internal async Task Load(HtmlReport report)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "report.html"), report.ToHtml());
        await Page.GotoAsync(Address);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Page.Context.CloseAsync();
        Directory.Delete(folder, recursive: true);
    }
}
